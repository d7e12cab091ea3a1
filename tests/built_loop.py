"""A loop as hooks find it before a run."""

from types import SimpleNamespace

from mmengine.runner.base_loop import BaseLoop


class BuiltLoop(BaseLoop):
    """As much of a built loop as hooks look at."""

    def __init__(self, dataset, *metrics):
        self.dataloader = SimpleNamespace(dataset=dataset)
        self.evaluator = SimpleNamespace(metrics=list(metrics))

    def run(self):
        raise NotImplementedError
