"""Run the benchmark on data set v1: data, encoder, features, heads, tests, tables.

Each step is a command of this repository's tools. A run that was stopped goes on when
it is called again: of each training at most an epoch is done again. ``--dry-run`` shows
the commands and what is done.

Example:
    python projects/open_body/run_benchmark.py --smallest --procs 2 --jobs 2
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchmark.commands import as_typed  # noqa: E402
from benchmark.config_options import check_backbone, check_option_value  # noqa: E402
from benchmark.packages import check_packages  # noqa: E402
from benchmark.places import Places  # noqa: E402
from benchmark.plan import PHASES, Machine, Plan, read_config  # noqa: E402
from benchmark.presets import (  # noqa: E402
    FULL,
    SMALLEST,
    SPLITS,
    VARIANT_CONFIGS,
    Preset,
)
from benchmark.running import (  # noqa: E402
    Busy,
    Runner,
    StepFailed,
    sole_run,
)
from benchmark.settings import check_settings, check_sources  # noqa: E402
from benchmark.step import Group  # noqa: E402
from benchmark.times import available_cores, describe_machine  # noqa: E402


def people_of_split(text: str) -> tuple[str, int]:
    """A split and its size from SPLIT=NUMBER."""
    split, _, number = text.partition('=')
    if split not in SPLITS or not number.isdigit() or int(number) < 1:
        raise argparse.ArgumentTypeError(
            f'expected SPLIT=NUMBER with a split of {", ".join(SPLITS)}, got {text!r}'
        )
    return split, int(number)


def positive(text: str) -> int:
    """A number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'expected 1 or more, got {text!r}')
    return int(text)


def not_negative(text: str) -> int:
    """A number from 0."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f'expected 0 or more, got {text!r}')
    return int(text)


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--smallest',
        action='store_true',
        help='a small data set, short trainings, one head and one seed',
    )
    parser.add_argument('--dry-run', action='store_true', help='only show the commands')
    parser.add_argument(
        '--until', choices=PHASES, default=PHASES[-1], help='last phase to run'
    )
    where = parser.add_argument_group('folders; the defaults depend on the size')
    where.add_argument('--data', type=Path, help='the data set (data/NAME)')
    where.add_argument(
        '--features', type=Path, default=Path('data/features'), help='of the caches'
    )
    where.add_argument('--work-dir', type=Path, help='for the rest (work_dirs/NAME)')
    machine = parser.add_argument_group('machine')
    machine.add_argument(
        '--procs',
        type=positive,
        default=1,
        help='processes that train the encoder together (1)',
    )
    machine.add_argument(
        '--jobs', type=positive, default=1, help='heads trained side by side (1)'
    )
    machine.add_argument(
        '--workers',
        type=positive,
        help='processes that render (one for each core, within the memory)',
    )
    machine.add_argument(
        '--readers',
        type=not_negative,
        default=0,
        help='processes that read pictures for each that computes features (0)',
    )
    size = parser.add_argument_group('size')
    size.add_argument('--variants', nargs='+', choices=list(VARIANT_CONFIGS))
    size.add_argument('--seeds', nargs='+', type=not_negative)
    size.add_argument(
        '--people', nargs='+', type=people_of_split, metavar='SPLIT=NUMBER'
    )
    size.add_argument('--views', type=positive, help='of each person in the cache')
    size.add_argument('--stage1-epochs', type=positive)
    size.add_argument('--stage2-epochs', type=positive)
    size.add_argument(
        '--amp',
        action=argparse.BooleanOptionalAction,
        help='train the encoder in mixed precision (yes)',
    )
    size.add_argument(
        '--encoder', type=Path, help='checkpoint of an encoder in place of stage 1'
    )
    size.add_argument('--stage1-config', help="another config than the benchmark's")
    parsed = parser.parse_args(args)
    for flag in ('variants', 'seeds'):
        values = getattr(parsed, flag) or ()
        if len(set(values)) < len(values):
            parser.error(
                f'--{flag}: expected each once, got {" ".join(map(str, values))}'
            )
    if parsed.encoder is not None:
        for flag in ('stage1_config', 'stage1_epochs', 'amp'):
            if getattr(parsed, flag) is not None:
                parser.error(
                    f'--{flag.replace("_", "-")}: of no effect beside --encoder, which '
                    'takes the place of stage 1; give one of the two'
                )
    return parsed


def preset_of(args: argparse.Namespace) -> Preset:
    """The preset that the command line names, with what it changes."""
    preset = SMALLEST if args.smallest else FULL
    changes = {
        'variants': args.variants and tuple(args.variants),
        'seeds': args.seeds and tuple(args.seeds),
        'people': args.people and {**preset.people, **dict(args.people)},
        'views': args.views,
        'stage1_epochs': args.stage1_epochs,
        'stage2_epochs': args.stage2_epochs,
        'stage1_amp': args.amp,
    }
    return replace(preset, **{k: v for k, v in changes.items() if v is not None})


def plan_of(args: argparse.Namespace) -> Plan:
    """What the command line asks for."""
    for flag in ('data', 'features', 'work_dir', 'encoder'):
        check_option_value(f'--{flag.replace("_", "-")}', getattr(args, flag))
    if args.encoder is not None and not args.encoder.is_file():
        raise ValueError(
            f'--encoder: expected a checkpoint, got {str(args.encoder)!r}, which is no '
            'file; give the path of one'
        )
    check_processes(args.procs)
    preset = preset_of(args)
    places = Places(
        data=args.data or Path('data') / preset.name,
        features=args.features,
        work=args.work_dir or Path('work_dirs') / preset.name,
        name=preset.name,
    )
    machine = Machine(
        cores=available_cores(),
        workers=args.workers,
        processes=args.procs,
        jobs=args.jobs,
        readers=args.readers,
    )
    plan = Plan(preset, places, machine, args.encoder, args.stage1_config)
    if args.stage1_config:
        whole = read_config(plan.whole_config)
        check_backbone(read_config(plan.stage1_config), whole, plan.stage1_config)
    return plan


def settings_of(args: argparse.Namespace, preset: Preset) -> dict[str, object]:
    """What the work folder's results depend on, of what the command line asks for."""
    settings = preset.settings()
    if args.encoder is not None:
        settings = {k: v for k, v in settings.items() if not k.startswith('stage1')}
    # By its name, as one file has many paths; its check sum is kept when it is read.
    encoder = args.encoder and args.encoder.name
    return {**settings, 'encoder': encoder, 'stage1_config': args.stage1_config}


def check_states(groups: Sequence[Group]) -> None:
    """Look at every product before the first step, as some are refused.

    Raises:
        ValueError: There are products of something else.
    """
    for group in groups:
        for step in group.steps:
            _ = step.state


def check_processes(processes: int) -> None:
    """Refuse to train with more processes than there are GPUs, where there are some.

    Raises:
        ValueError: If there are fewer.
    """
    if torch.cuda.is_available() and processes > torch.cuda.device_count():
        raise ValueError(
            f'--procs: expected at most {torch.cuda.device_count()}, one for each GPU, '
            f'got {processes}'
        )


def main(argv: list[str] | None = None) -> None:
    """Run or show the steps."""
    args = parse_args(argv)
    try:
        plan = plan_of(args)
        groups = plan.groups(args.until)
        if args.dry_run:
            for group in groups:
                for step in group.steps:
                    print(f'# {step.name}: {step.state.value}')
                    print(f'OMP_NUM_THREADS={group.threads} {as_typed(step.command)}')
            return
        check_packages(groups)
        check_states(groups)
        # Children are ended, and times noted, also when this program is asked to end.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        work = plan.places.work
        with sole_run(work) as lock:
            check_settings(work, settings_of(args, plan.preset))
            # Flushed, so that a redirected output tells how far it is.
            say = partial(print, flush=True)
            runner = Runner(plan.places, describe_machine(), lock, say)
            runner.run(groups, lambda: check_sources(work, plan.sources()))
            print(runner.times.table())
            if args.until == PHASES[-1]:
                print(f'Tables: {plan.places.tables}')
    except (ValueError, OSError, StepFailed, Busy) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        sys.exit('stopped; the same command goes on from here')


if __name__ == '__main__':
    main()
