"""Small videos, also such as `VideoWriter` does not write."""

import numpy as np

from deforhmr_mm.apis.video_files import VideoWriter


def grey(level, height=48, width=64):
    return np.full((height, width, 3), level, np.uint8)


def write(path, images, fps=10):
    with VideoWriter(path, fps, images[0].shape[:2]) as writer:
        for image in images:
            writer.write(image)
    return path


def write_raw(path, images, codec='libx264', times=None, prepare=None, **options):
    """A video by PyAV alone, with what `VideoWriter` does not offer."""
    import av

    with av.open(str(path), 'w', **options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        if prepare:
            prepare(stream)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts = index if times is None else times[index]
            frame.time_base = 1 / stream.codec_context.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
