"""Videos are read as they are shown, and written so that they can be."""

import builtins
from fractions import Fraction

import numpy as np
import pytest

from deforhmr_mm.apis import video_writer
from deforhmr_mm.apis.video_files import VideoReader, VideoWriter, is_video
from tests.raw_videos import grey, write, write_raw

av = pytest.importorskip('av')

RED, GREEN, BLUE, WHITE = (0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)


def corners(height=48, width=64):
    """A picture whose quarters are red and green over blue and white."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = GREEN
    image[height // 2 :, : width // 2] = BLUE
    image[height // 2 :, width // 2 :] = WHITE
    return image


def noise(count):
    """Pictures that take bytes, so that a cut file is cut inside one of them."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(count)]


def levels(reader):
    return [int(image.mean().round()) for image in reader]


def test_written_frames_come_back(tmp_path):
    steps = list(range(0, 250, 10))
    path = write(tmp_path / 'new' / 'a.mp4', [grey(level) for level in steps], 12.5)
    with VideoReader(path) as reader:
        assert (reader.fps, reader.size) == (12.5, (48, 64))
        assert reader.num_frames is None and reader.expected_frames == 25
        first = levels(reader)
        np.testing.assert_allclose(first, steps, atol=3)
        assert reader.num_frames == 25
        assert levels(reader) == first
        times = [seconds for seconds, _ in reader.timed_frames()]
        np.testing.assert_allclose(times, np.arange(25) / 12.5, atol=1e-3)
    assert [file.name for file in path.parent.iterdir()] == ['a.mp4']


@pytest.mark.parametrize('fps', [29.97, 30000 / 1001, 24, 60, 0.5, 120, 200 / 23])
def test_frame_rates_are_kept(tmp_path, fps):
    path = write(tmp_path / 'a.mp4', [grey(9)] * 4, fps)
    assert VideoReader(path).fps == pytest.approx(fps, rel=2e-4)


def test_colours_are_kept(tmp_path):
    (image,) = VideoReader(write(tmp_path / 'a.mp4', [corners()]))
    assert image.dtype == np.uint8
    for y, x, colour in ((9, 9, RED), (9, 50, GREEN), (40, 9, BLUE), (40, 50, WHITE)):
        np.testing.assert_allclose(image[y, x], colour, atol=8)


def test_files_are_h264_that_browsers_play(tmp_path):
    path = write(tmp_path / 'a.mp4', [corners()] * 3)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ('h264', 'yuv420p')
        assert (context.colorspace, context.color_range) == (1, 1)
    data = path.read_bytes()
    assert 0 < data.index(b'moov') < data.index(b'mdat')


@pytest.mark.parametrize('size', [(47, 64), (48, 63), (33, 21), (1, 1)])
def test_odd_sizes_gain_their_last_row_or_column(tmp_path, size):
    rng = np.random.default_rng(1)
    image = np.repeat(rng.integers(40, 200, (*size, 1), np.uint8), 3, 2)
    (read,) = VideoReader(write(tmp_path / 'a.mp4', [image]))
    height, width = size
    assert read.shape == (height + height % 2, width + width % 2, 3)
    wanted = np.pad(image, [(0, height % 2), (0, width % 2), (0, 0)], 'edge')
    assert np.abs(read.astype(int) - wanted).mean() < 8


def test_an_exception_leaves_no_file(tmp_path):
    path = tmp_path / 'a.mp4'
    with pytest.raises(KeyError), VideoWriter(path, 10, (48, 64)) as writer:
        writer.write(grey(5))
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / 'a.mp4'
    path.write_bytes(b'old')
    with VideoWriter(path, 10, (48, 64)) as writer:
        writer.write(grey(5))
        assert path.read_bytes() == b'old'
    writer.close()
    assert len(levels(VideoReader(path))) == 1
    with pytest.raises(ValueError, match='is closed'):
        writer.write(grey(5))


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'\.mp4, got the name .*a\.avi'):
        VideoWriter(tmp_path / 'a.avi', 10, (4, 4))
    for fps in (0, -1, float('nan'), float('inf')):
        with pytest.raises(ValueError, match='fps must be'):
            VideoWriter(tmp_path / 'a.mp4', fps, (4, 4))
    with pytest.raises(ValueError, match='size must be'):
        VideoWriter(tmp_path / 'a.mp4', 10, (0, 4))
    writer = VideoWriter(tmp_path / 'a.mp4', 10, (4, 6))
    with pytest.raises(ValueError, match=r'\(4, 6, 3\), got uint8 of shape \(6, 4, 3'):
        writer.write(np.zeros((6, 4, 3), np.uint8))
    with pytest.raises(ValueError, match='no frame was written'):
        writer.close()
    assert not list(tmp_path.iterdir())


def test_without_an_h264_encoder_mpeg4_is_written(tmp_path, monkeypatch, logged):
    monkeypatch.setattr(video_writer, 'H264_ENCODERS', ('lib_none',))
    path = write(tmp_path / 'a.mp4', [corners()] * 5, 29.97)
    assert any('no H.264 encoder (lib_none)' in line for line in logged.of('WARNING'))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == 'mpeg4'
    images = list(VideoReader(path))
    assert len(images) == 5
    np.testing.assert_allclose(images[4][9, 50], GREEN, atol=16)


TURNS = {
    (0, False): lambda image: image,
    (90, False): lambda image: np.rot90(image, 1),
    (180, False): lambda image: np.rot90(image, 2),
    (-90, False): lambda image: np.rot90(image, -1),
    (0, True): lambda image: image[:, ::-1],
    (90, True): lambda image: np.rot90(image, 1)[:, ::-1],
    (180, True): lambda image: np.rot90(image, 2)[:, ::-1],
    (-90, True): lambda image: np.rot90(image, -1)[:, ::-1],
}


@pytest.mark.parametrize(('degrees', 'is_mirrored'), TURNS)
def test_frames_stand_upright(tmp_path, degrees, is_mirrored):
    if not hasattr(av.VideoStream, 'set_display_rotation'):
        pytest.skip('this PyAV cannot write the rotation')
    path = write_raw(
        tmp_path / 'a.mp4',
        [corners()],
        prepare=lambda stream: stream.set_display_rotation(degrees, hflip=is_mirrored),
    )
    wanted = TURNS[degrees, is_mirrored](corners())
    reader = VideoReader(path)
    (image,) = reader
    assert reader.size == image.shape[:2] == wanted.shape[:2]
    for y in (9, -9):
        for x in (9, -9):
            np.testing.assert_allclose(image[y, x], wanted[y, x], atol=12)


def test_iterations_do_not_disturb_each_other_and_end_with_the_reader(tmp_path):
    path = write(tmp_path / 'a.mp4', [grey(level) for level in (10, 60, 110)])
    with VideoReader(path) as reader:
        pairs = [(int(a.mean()), int(b.mean())) for a, b in zip(reader, reader)]  # noqa: B905
        assert len(pairs) == 3 and all(a == b for a, b in pairs)
        running = iter(reader)
        next(running)
    assert list(running) == []
    with pytest.raises(ValueError, match='is closed'):
        iter(reader)


def test_counting_is_exact_where_the_header_is_silent(tmp_path):
    path = write_raw(tmp_path / 'a.mkv', noise(7), format='matroska')
    reader = VideoReader(path)
    assert reader.expected_frames == 7
    assert (reader.num_frames, reader.count_frames(), reader.num_frames) == (None, 7, 7)


CUT_FILES = {
    'a.mp4': dict(options={'movflags': '+faststart'}),
    'a.mkv': dict(),
    'a.avi': dict(codec='mjpeg'),
}


@pytest.mark.parametrize('name', CUT_FILES)
def test_a_cut_video_gives_its_whole_frames_and_a_warning(tmp_path, name, logged):
    whole = write_raw(tmp_path / name, noise(40), **CUT_FILES[name])
    wanted = list(VideoReader(whole))
    assert len(wanted) == 40 and not logged
    cut = whole.with_name(f'cut_{name}')
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    reader = VideoReader(cut)
    read = list(reader)
    assert 15 <= len(read) == reader.num_frames < 30
    np.testing.assert_array_equal(read, wanted[: len(read)])
    (line,) = logged.of('WARNING')
    assert f'cut_{name}' in line and f'after {len(read)} frames' in line


def test_a_hole_ends_a_video(tmp_path, logged):
    path = write_raw(tmp_path / 'a.mp4', noise(40))
    wanted = list(VideoReader(path))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9000] = b'\x13' * 9000
    path.write_bytes(data)
    read = list(VideoReader(path))
    assert 10 <= len(read) < 30
    # The decoder fills in the rest of the last one as players do, and does not say so.
    np.testing.assert_array_equal(read[:-1], wanted[: len(read) - 1])
    warning = logged.of('WARNING')[0]
    assert 'nan' not in warning
    assert 'a.mp4 is damaged or cut off after' in warning


BAD_FILES = {
    'text.mp4': b'hello\n' * 100,
    'empty.mp4': b'',
    'list.mp4': b'#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n',
}


@pytest.mark.parametrize('name', BAD_FILES)
def test_what_is_no_video_is_one_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(BAD_FILES[name])
    with pytest.raises(ValueError, match=rf'{name}.*not a video') as error:
        VideoReader(tmp_path / name)
    assert '\n' not in str(error.value)


def test_missing_file_folder_and_video_without_index(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.mp4 does not exist'):
        VideoReader(tmp_path / 'none.mp4')
    with pytest.raises(ValueError, match='cannot be opened'):
        VideoReader(tmp_path)
    path = write_raw(tmp_path / 'a.mp4', noise(20))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'moov')])
    with pytest.raises(ValueError, match='a.mp4 cannot be opened'):
        VideoReader(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / 'a.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), np.float32), format='fltp', layout='mono'
        )
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match='a.mp4 holds no video'):
        VideoReader(path)


def test_names_with_colons_are_files(tmp_path):
    path = write(tmp_path / 'http:a.mp4', [grey(5)])
    assert len(levels(VideoReader(path))) == 1


def test_frames_of_another_size_are_scaled_to_the_first(tmp_path):
    # Raw H.264, which also has no times and no duration.
    parts = [
        write_raw(tmp_path / name, [corners(*size)] * 3, format='h264')
        for name, size in (('a.h264', (48, 64)), ('b.h264', (96, 160)))
    ]
    path = tmp_path / 'both.h264'
    path.write_bytes(b''.join(part.read_bytes() for part in parts))
    reader = VideoReader(path)
    images = list(reader)
    assert [image.shape for image in images] == [(48, 64, 3)] * 6
    np.testing.assert_allclose(images[5][9, 50], GREEN, atol=12)
    times = [seconds for seconds, _ in reader.timed_frames()]
    assert np.isfinite(times).all() and (np.diff(times) > 0).all()


def test_pixels_that_are_not_square_are_said(tmp_path, logged):
    def stretch(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    path = write_raw(tmp_path / 'a.mp4', [corners()], prepare=stretch)
    assert VideoReader(path).size == (48, 64)
    assert 'pixels that are not square (4/3)' in logged.of('WARNING')[0]


def test_titles_in_an_old_encoding_do_no_harm(tmp_path):
    path = tmp_path / 'a.mp4'
    with av.open(str(path), 'w') as container:
        container.metadata['title'] = 'Spaziergang'
        stream = container.add_stream('mpeg4', rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv420p'
        frame = av.VideoFrame.from_ndarray(grey(50), format='bgr24')
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b'Spaziergang', b'Spazierg\xe4ng'))
    assert len(levels(VideoReader(path))) == 1


def test_missing_pyav_is_one_clear_line(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name.split('.')[0] == 'av':
            raise ModuleNotFoundError("No module named 'av'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without_av)
    for build in (
        lambda: VideoReader(tmp_path / 'a.mp4'),
        lambda: VideoWriter(tmp_path / 'a.mp4', 10, (4, 4)),
    ):
        with pytest.raises(ImportError, match=r'pip install av$'):
            build()


def test_video_names():
    assert is_video('a/b.MOV') and is_video('c.webm')
    assert not is_video('a.jpg') and not is_video('mp4')
