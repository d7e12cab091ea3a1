"""What the splits of data set v1 are: sizes, cameras, and which people are kept."""

from dataclasses import dataclass

VERSION = 'v1'


@dataclass(frozen=True)
class Recipe:
    """How the pictures of a split are drawn.

    Attributes:
        people: Rows of the split.
        number: Part of its pictures' seeds: never renumber.
        people_shares: How often one, two, three, four people are in a picture.
        occluded_share: Pictures that have things in front of people.
        occluders: Least and most number of these things.
        truncated_share: People that the picture's edge cuts.
        rare_poses: Whether poses come from those that training never sees.
        extreme_views: From far above, far below, very near, or much rolled.
        seen_range: Least and most of a person's part in the picture that is seen:
            others are not labelled.
        inside_range: Least and most share of the joints that are inside the picture.
    """

    people: int
    number: int
    people_shares: tuple[float, ...] = (0.4, 0.35, 0.17, 0.08)
    occluded_share: float = 0.25
    occluders: tuple[int, int] = (1, 3)
    truncated_share: float = 0.15
    rare_poses: bool = False
    extreme_views: bool = False
    seen_range: tuple[float, float] = (0.3, 1.01)
    inside_range: tuple[float, float] = (0.4, 1.0)


RECIPES = {
    'train': Recipe(60000, 0),
    'val': Recipe(2000, 1),
    'test': Recipe(4000, 2),
    'test_occluded': Recipe(
        1000,
        3,
        people_shares=(0.3, 0.3, 0.25, 0.15),
        occluded_share=1.0,
        occluders=(2, 5),
        truncated_share=0.0,
        seen_range=(0.25, 0.7),
        inside_range=(0.97, 1.0),
    ),
    'test_truncated': Recipe(
        1000,
        4,
        people_shares=(0.7, 0.2, 0.1),
        occluded_share=0.1,
        truncated_share=1.0,
        seen_range=(0.6, 1.01),
        inside_range=(0.3, 0.8),
    ),
    'test_rare_poses': Recipe(
        1000, 5, people_shares=(0.7, 0.2, 0.1), truncated_share=0.05, rare_poses=True
    ),
    'test_extreme_views': Recipe(
        1000,
        6,
        people_shares=(0.6, 0.25, 0.15),
        truncated_share=0.1,
        extreme_views=True,
    ),
}
