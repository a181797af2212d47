"""The look of every figure: one palette for labels, one colour map for depth, rows of images with titles.

Label colours keep a distance from each other for readers with red-green colour blindness too (a test simulates it).
"""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from handseg_lib.camera import Intrinsics
from handseg_lib.data.labels import Label, LabelMap

PALETTE: Mapping[Label, tuple[int, int, int]] = {
    Label.BACKGROUND: (38, 40, 46),
    Label.LEFT_HAND: (242, 24, 70),
    Label.RIGHT_HAND: (10, 40, 230),
    Label.LEFT_ARM: (255, 164, 157),
    Label.RIGHT_ARM: (102, 130, 254),
    Label.OBJECT_LEFT: (160, 10, 160),
    Label.OBJECT_RIGHT: (42, 130, 140),
    Label.OBJECT_BOTH: (0, 89, 14),
    Label.OBJECT2_LEFT: (239, 151, 239),
    Label.OBJECT2_RIGHT: (217, 255, 253),
    Label.OBJECT2_BOTH: (138, 242, 107),
    Label.CONTACT: (255, 236, 10),
}
"""Colour of each label, sRGB 0..255: left red, right blue, arms lighter, objects magenta/cyan/green, contact yellow."""

COLORS: NDArray[np.uint8] = np.array([PALETTE[label] for label in Label], np.uint8)
"""(12, 3) look-up table: `COLORS[labels]` paints a label map."""

NO_READING = (128, 128, 128)
"""Neutral grey of pixels where the depth sensor gave nothing."""

DEPTH_MAP = mpl.colormaps["viridis_r"]
"""Colour map of depth: near is bright yellow, far is dark violet, no reading is grey and so never confused."""

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue in a colour's brightness (ITU-R BT.709)."""

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of lines and bars in plots (Okabe and Ito's colour-blind safe set), in order of use."""

DPI = 150
"""Resolution of saved bitmaps."""


def style() -> None:
    """Set matplotlib to the look all figures share; sizes stay legible when a figure is printed at half its width."""
    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.dpi": DPI,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "font.family": "DejaVu Sans",  # ships with matplotlib: the same glyphs on every machine
            "font.size": 12,
            "axes.titlesize": 13,
            "axes.labelsize": 12,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "legend.fontsize": 11,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=LINES),
            "lines.linewidth": 2.0,
            "image.interpolation": "nearest",
            "pdf.fonttype": 42,  # text in a PDF stays text
        }
    )


def label_name(label: Label) -> str:
    """A label in words: `LEFT_HAND` -> "left hand", `OBJECT2_BOTH` -> "object of both hands, 2nd order"."""
    kind, _, side = label.name.lower().partition("_")
    if not kind.startswith("object"):
        return label.name.lower().replace("_", " ")
    held_by = "both hands" if side == "both" else f"{side} hand"
    return f"object of {held_by}" + (", 2nd order" if kind == "object2" else "")


def overlay(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], alpha: float = 0.6, outline: int | None = None
) -> NDArray[np.uint8]:
    """An image with its labels laid over it; the background shows through untouched.

    Under a label the image loses its own colour, so that the label's colour means the same on every picture.

    Args:
        image: (H, W, 3) uint8; pass depth through `depth_image` or `shade` first.
        labels: (H, W) uint8 values of `Label`.
        alpha: opacity of the areas, 0 to 1; outlines are opaque.
        outline: width in pixels of the line inside each region's border; None chooses from the image's height.

    Raises:
        ValueError: if the image is not (H, W, 3) uint8 or sizes differ.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3), found {image.dtype} {image.shape}; see depth_image()")
    if labels.shape != image.shape[:2]:
        raise ValueError(f"image is {image.shape[:2]} but labels are {labels.shape} (height, width)")
    width = max(1, round(labels.shape[0] / 240)) if outline is None else outline
    opacity = np.where(labels == Label.BACKGROUND, 0.0, alpha)
    opacity[outlines(labels, width) & (labels != Label.BACKGROUND)] = 1.0
    grey = (image @ LUMA)[..., None]
    base = np.where((labels == Label.BACKGROUND)[..., None], image, grey)
    mixed = base * (1 - opacity[..., None]) + COLORS[labels] * opacity[..., None]
    return mixed.round().astype(np.uint8)


def outlines(labels: NDArray[np.uint8], width: int = 1) -> NDArray[np.bool_]:
    """(H, W) bool: pixels within `width` steps (up, down, left, right) of a pixel with another label."""
    edge = np.zeros(labels.shape, bool)
    if width < 1:
        return edge
    vertical, horizontal = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= vertical
    edge[:-1] |= vertical
    edge[:, 1:] |= horizontal
    edge[:, :-1] |= horizontal
    for _ in range(width - 1):
        grown = edge.copy()
        grown[1:] |= edge[:-1]
        grown[:-1] |= edge[1:]
        grown[:, 1:] |= edge[:, :-1]
        grown[:, :-1] |= edge[:, 1:]
        edge = grown
    return edge


def depth_range(*depths: NDArray[np.float32]) -> tuple[float, float]:
    """Near and far in metres that show these frames well: 1st and 99th percentile of all readings, never equal."""
    readings = np.concatenate([d[d > 0].ravel() for d in depths]) if depths else np.empty(0, np.float32)
    if readings.size == 0:
        return 0.2, 1.5
    near, far = (float(v) for v in np.percentile(readings, (1, 99)))
    return (near, far) if far - near > 1e-3 else (near - 0.01, far + 0.01)


def depth_image(depth: NDArray[np.float32], near: float | None = None, far: float | None = None) -> NDArray[np.uint8]:
    """Depth as colours: near bright, far dark, grey where there is no reading.

    Args:
        depth: (H, W) float32 metres, 0 = no reading.
        near, far: metres at the ends of the colour map; None takes `depth_range` of this frame.

    Returns:
        (H, W, 3) uint8.
    """
    low, high = depth_range(depth) if near is None or far is None else (near, far)
    low, high = (low if near is None else near), (high if far is None else far)
    if not low < high:
        raise ValueError(f"near must be less than far, got {low:g} and {high:g} metres")
    colours = DEPTH_MAP((depth - low) / (high - low), bytes=True)[..., :3].copy()
    colours[depth <= 0] = NO_READING
    return colours


def normals(depth: NDArray[np.float32], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """(H, W, 3) unit surface normals towards the camera, from central differences; zero where a neighbour is missing.

    Args:
        depth: (H, W) float32 metres, 0 = no reading.
        intrinsics: camera of this frame, of the same size.
    """
    points = intrinsics.deproject(depth)
    across, down = np.zeros_like(points), np.zeros_like(points)
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    down[1:-1] = points[2:] - points[:-2]
    normal = np.cross(down, across)  # y down times x right points to the camera
    known = depth > 0
    complete = np.zeros(depth.shape, bool)
    complete[1:-1, 1:-1] = known[1:-1, 1:-1] & known[1:-1, 2:] & known[1:-1, :-2] & known[2:, 1:-1] & known[:-2, 1:-1]
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.where(complete[..., None] & (length > 0), normal / np.maximum(length, 1e-12), 0).astype(np.float32)


def shade(
    depth: NDArray[np.float32], intrinsics: Intrinsics, near: float | None = None, far: float | None = None
) -> NDArray[np.uint8]:
    """Depth as a lit surface in the colours of `depth_image`: shows noise and shape that colour alone hides.

    Returns:
        (H, W, 3) uint8; grey where there is no reading.
    """
    light = np.array([-0.4, -0.6, -0.7], np.float32)  # from above and left of the camera
    normal = normals(depth, intrinsics)
    lit = np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
    brightness = np.where(normal.any(-1), 0.25 + 0.75 * lit, 0.6)
    colours = (depth_image(depth, near, far) * brightness[..., None]).round().astype(np.uint8)
    colours[depth <= 0] = NO_READING
    return colours


def legend_handles(labels: Iterable[Label] | LabelMap) -> list[Patch]:
    """Coloured patches with names, for `Axes.legend` or `Figure.legend`; the background is left out.

    A label map's classes go by their own names, in the colour of the label that each is decoded to.
    """
    if isinstance(labels, LabelMap):
        named = [(name, of[0]) for name, of in labels.classes.values() if of and of[0] != Label.BACKGROUND]
        return [Patch(color=np.array(PALETTE[label]) / 255, label=name) for name, label in named]
    shown = sorted(set(labels) - {Label.BACKGROUND})
    return [Patch(color=np.array(PALETTE[label]) / 255, label=label_name(label)) for label in shown]


def labels_in(*maps: NDArray[np.uint8]) -> list[Label]:
    """The labels that occur in these label maps, in order, background excluded."""
    return [Label(int(v)) for v in np.unique(np.concatenate([np.unique(m) for m in maps])) if v != Label.BACKGROUND]


def grid(
    rows: Sequence[Sequence[NDArray[np.uint8] | None]],
    column_titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    depth_scale: tuple[float, float] | None = None,
    legend: Iterable[Label] | LabelMap = (),
    width: float = 10.0,
) -> Figure:
    """Rows of images under column titles, with one shared depth bar and one legend.

    Args:
        rows: images (H, W, 3) uint8, row by row; None leaves a place empty.
        column_titles, row_titles: as many as there are columns and rows, or none.
        depth_scale: near and far in metres of every depth picture shown; draws the colour bar.
        legend: labels, or a label map whose classes are meant, to explain below the pictures.
        width: of the figure in inches; its height follows from the first image's shape.

    Raises:
        ValueError: if rows differ in length or titles do not match.
    """
    columns = len(rows[0]) if rows else 0
    if columns == 0 or any(len(row) != columns for row in rows):
        raise ValueError(f"rows must hold equally many images and at least one, got {[len(r) for r in rows]}")
    for titles, count, what in ((column_titles, columns, "column"), (row_titles, len(rows), "row")):
        if titles and len(titles) != count:
            raise ValueError(f"{len(titles)} {what} titles for {count} {what}s: {list(titles)}")
    handles = legend_handles(legend)
    legend_columns = max(1, min(len(handles), int(width / 2.4)))
    first = next(image for row in rows for image in row if image is not None)
    room = width - (0.9 if depth_scale else 0) - (0.35 if row_titles else 0)
    cell = room / columns * first.shape[0] / first.shape[1]
    height = cell * len(rows) + (0.35 if column_titles else 0) + 0.4 * -(-len(handles) // legend_columns)
    figure, axes = plt.subplots(len(rows), columns, figsize=(width, height), squeeze=False, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.0, hspace=0.0)
    for r, c in np.ndindex(axes.shape):
        _picture(axes[r, c], rows[r][c])
        if r == 0 and column_titles:
            axes[r, c].set_title(column_titles[c])
        if c == 0 and row_titles:
            axes[r, c].set_ylabel(row_titles[r])
    if depth_scale:
        colour_bar(figure, axes, *depth_scale)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=legend_columns)
    return figure


def colour_bar(figure: Figure, axes: Axes | NDArray, near: float, far: float) -> None:
    """Add the bar that explains `depth_image`, in metres, near on top; grey below it is "no reading"."""
    bar = figure.colorbar(
        ScalarMappable(Normalize(near, far), DEPTH_MAP.with_extremes(over=DEPTH_MAP(1.0), under=DEPTH_MAP(0.0))),
        ax=axes,
        shrink=0.85,
        pad=0.01,
        aspect=30,
    )
    bar.ax.invert_yaxis()
    bar.set_label("depth (m), grey: no reading")
    bar.outline.set_visible(False)


def _picture(axes: Axes, image: NDArray[np.uint8] | None) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if image is not None:
        axes.imshow(image)
