import numpy as np

from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization.joint_comparison import (
    RECOVERED_COLOR,
    draw_joint_comparison,
)
from deforhmr_mm.visualization.label_skeleton import LEFT_COLOR

COCO = get_keypoint_set('coco17')


def joints(**places):
    """Joints far outside the picture, but for those with a place."""
    keypoints = np.full((17, 2), 1e6)
    for name, place in places.items():
        keypoints[COCO.index(name)] = place
    return keypoints


def test_labels_and_recovered_joints_stand_in_their_places():
    image = np.full((60, 80, 3), 90, np.uint8)
    labels = joints(left_wrist=(20, 10), right_ankle=(60, 40), nose=(40, 50))
    visibility = np.zeros(17)
    visibility[COCO.index('left_wrist')] = 2
    visibility[COCO.index('right_ankle')] = 1
    recovered = joints(left_wrist=(30, 30))
    drawn = draw_joint_comparison(image, [(labels, visibility)], [recovered], zoom=3)
    assert drawn.shape == (180, 240, 3) and (image == 90).all()

    def pixel(x, y):
        # The middle of the pixel's 3 x 3.
        return tuple(drawn[3 * y + 1, 3 * x + 1].tolist())

    assert pixel(20, 10) == LEFT_COLOR
    assert pixel(30, 30) == tuple(int(255 * c) for c in RECOVERED_COLOR)
    assert pixel(60, 40) == (255, 255, 255)  # hidden: a ring
    red, _, blue = drawn[110:134, 170:194].reshape(-1, 3).astype(int).T
    assert (red - blue).max() > 150  # it is orange
    assert pixel(40, 50) == (90, 90, 90)  # without a label


def test_without_people_it_is_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    drawn = draw_joint_comparison(image, [], [])
    np.testing.assert_array_equal(drawn, image)
    drawn[:] = 0
    assert image.any()
