"""The numbered notebooks: what each one is called, asks, needs. Imports nothing heavy: the workflow reads it.

`SERIES` is the single list; the workflow, the report and the checks of the notebooks all follow it.
"""

from dataclasses import dataclass
from pathlib import Path

from handseg_lib import paths
from handseg_lib.errors import ParameterError


@dataclass(frozen=True)
class Notebook:
    """One notebook of the series.

    Attributes:
        number: two digits, its place in the series and its name on the command line.
        slug: the rest of its file name, `notebooks/<number>_<slug>.ipynb`.
        title: its heading.
        question: the question it answers, one sentence.
        paper: short name of the paper it belongs to, or "" when it serves all of them.
        runs: names of the training runs it asks for (`handseg_lib.train`).
        data: data sets it shows or measures on besides those of its runs: synthetic scene names, real set names.
        after: numbers of the notebooks whose artefacts it reads.
    """

    number: str
    slug: str
    title: str
    question: str
    paper: str = ""
    runs: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`<number>_<slug>`, the stem of every file made from this notebook."""
        return f"{self.number}_{self.slug}"

    @property
    def path(self) -> Path:
        """The notebook's file in the checkout."""
        return paths.notebooks_root() / f"{self.name}.ipynb"


_CHAPTERS = (
    Notebook("00", "start_here", "Start here", "What is in this companion, and does it run on this machine?"),
    Notebook("01", "metrics", "Metrics", "When two papers say mean IoU, do they mean the same number?"),
    Notebook(
        "02",
        "synthetic_world",
        "The synthetic world",
        "Can rendered depth look like what a real depth camera sees?",
        data=("exo_two_hands", "sr305"),
    ),
    Notebook(
        "10",
        "realsense_acquisition",
        "RealSense acquisition",
        "What does a depth camera hand over, and how do a depth image and a colour picture get onto one grid?",
        paper="handseg",
    ),
    Notebook(
        "11",
        "glove_annotation",
        "Automatic annotation with gloves",
        "Can two coloured gloves label every pixel of a hand, and how right are such labels?",
        paper="handseg",
    ),
    Notebook(
        "12",
        "hand_object_annotation",
        "Automatic annotation of hands and objects",
        "Can colour, depth and a rule about outlines tell a hand from what it holds, and how right are such labels?",
        paper="denseattention",
    ),
    Notebook(
        "14",
        "data_sets",
        "Data sets",
        "What do the depth sets of hands hold, and how far can their labels be trusted?",
        paper="handseg",
        data=(
            "like_nyu",
            "like_handseg",
            "like_handnet",
            "like_freiburg",
            "exo_hand_object",
            "handseg",
            "nyu",
            "handnet",
            "rhd",
            "interseghands",
            "hoseg",
        ),
    ),
    Notebook(
        "20",
        "random_forest",
        "The random forest",
        "How far do three trees get that only ever compare two depths?",
        paper="handseg",
        runs=("handseg/forest",),
    ),
    Notebook(
        "21",
        "fcn",
        "FCN 32s, 16s, 8s",
        "How much of a hand's outline survives cells of 32 pixels, and what do skips win back?",
        paper="handseg",
        runs=("handseg/fcn32s", "handseg/fcn16s", "handseg/fcn8s"),
    ),
    Notebook(
        "22",
        "segnet_deconvnet",
        "SegNet and DeconvNet",
        "Is it enough to remember where each maximum was, and is a mirror image of the encoder worth its price?",
        paper="handseg",
        runs=("handseg/segnet", "handseg/deconvnet"),
    ),
    Notebook(
        "23",
        "handseg_net",
        "The HandSeg network",
        "Can strided convolutions replace pooling and still find both hands, pixel by pixel?",
        paper="handseg",
        runs=("handseg/proposed",),
    ),
    Notebook(
        "24",
        "large_kernels_refinenet",
        "Large kernels and RefineNet",
        "How can every cell see far without paying for it, and what draws the outline afterwards?",
        paper="denseattention",
        runs=("denseattention/large_kernels", "denseattention/refinenet"),
    ),
    Notebook(
        "25",
        "deeplabv3plus",
        "DeepLabv3+",
        "Can a network stop shrinking its map, still see far, and stay affordable?",
        paper="denseattention",
        runs=("denseattention/deeplabv3plus",),
    ),
    Notebook(
        "26",
        "dense_attention_seg",
        "DenseAttentionSeg",
        "Can every level of a network tell every other level where to look?",
        paper="denseattention",
        runs=("denseattention/full",),
        data=("exo_hand_object",),
    ),
    Notebook(
        "30",
        "class_imbalance",
        "Class imbalance",
        "What should a pixel of a rare class weigh?",
        paper="handseg",
        runs=("handseg/loss_none", "handseg/loss_frequency", "handseg/loss_median", "handseg/size_1"),
    ),
    Notebook(
        "31",
        "contour_loss",
        "The contour loss",
        "Can a loss on outlines sharpen a network's outlines, at no cost when it runs?",
        paper="denseattention",
        runs=(
            "denseattention/full",
            "denseattention/full_cl",
            "denseattention/full_cl_logits",
            "denseattention/full_longer",
        ),
        data=("exo_hand_object",),
    ),
    Notebook(
        "40",
        "handseg_benchmark",
        "HandSeg benchmark",
        "Is the proposed network both more accurate and faster than FCN, SegNet and a random forest?",
        paper="handseg",
        runs=(
            "handseg/fcn32s",
            "handseg/fcn16s",
            "handseg/fcn8s",
            "handseg/forest",
            "handseg/segnet",
            "handseg/deconvnet",
            "handseg/size_1",
        ),
    ),
    Notebook(
        "41",
        "data_set_size",
        "Data-set size",
        "How much does a network gain each time its training set doubles?",
        paper="handseg",
        runs=tuple(f"handseg/size_{divisor}" for divisor in (1, 2, 4, 8, 16, 32)),
    ),
    Notebook(
        "42",
        "cross_data_set",
        "Across data sets",
        "Does a network that learnt on one data set find hands in another?",
        paper="handseg",
        runs=(
            "handseg/cross_nyu",
            "handseg/cross_handseg",
            "handseg/cross_handnet",
            "handseg/cross_freiburg",
            "handseg/cross_handnet_exact",
            "handseg/cross_all",
        ),
        data=("like_nyu", "like_handseg", "like_handnet", "like_freiburg", "sr305"),
    ),
    Notebook(
        "43",
        "interseghands_benchmark",
        "InterSegHands benchmark",
        "Is DenseAttentionSeg better than six other networks, at what price, and on objects it has never seen?",
        paper="denseattention",
        runs=(
            "denseattention/fcn32s",
            "denseattention/fcn16s",
            "denseattention/fcn8s",
            "denseattention/large_kernels",
            "denseattention/refinenet",
            "denseattention/deeplabv3plus",
            "denseattention/full",
            "denseattention/full_cl",
        ),
    ),
    Notebook(
        "44",
        "attention_contour_ablations",
        "Attention and contour ablations",
        "What does each part of DenseAttentionSeg contribute, and how many trainings does it take to say so?",
        paper="denseattention",
        runs=(
            "denseattention/deeplabv3plus",
            "denseattention/without_attention",
            "denseattention/full",
            "denseattention/fine_only",
            "denseattention/coarse_only",
            "denseattention/sum",
            "denseattention/no_sigmoid",
            "denseattention/full_cl",
            "denseattention/full_cl_logits",
            "denseattention/full_longer",
        ),
    ),
    Notebook(
        "49",
        "synthetic_to_real",
        "From synthetic to real",
        "Does a network that has only ever seen rendered depth find real hands?",
        paper="handseg",
        runs=("handseg/synthetic_to_real", "world/rgb"),
        data=("exo_two_hands", "sr305", "egohands", "hgr"),
    ),
)

SERIES: tuple[Notebook, ...] = (
    *_CHAPTERS,
    Notebook(
        "90",
        "summary",
        "Summary",
        "Which of the papers' sentences did our measurements support?",
        runs=tuple(dict.fromkeys(run for notebook in _CHAPTERS for run in notebook.runs)),
        after=tuple(notebook.number for notebook in _CHAPTERS),
    ),
)
"""Every notebook in reading order; the summary comes last and follows all others."""


def find(which: str) -> Notebook:
    """The notebook called `which`: its number ("23"), its slug, or its file name.

    Raises:
        ParameterError: when there is none; the message lists the series.
    """
    stem = Path(which).stem
    for notebook in SERIES:
        if stem in (notebook.number, notebook.slug, notebook.name):
            return notebook
    known = ", ".join(f"{n.number} ({n.slug})" for n in SERIES)
    raise ParameterError(f"No notebook {which!r}; the series has {known}")


def select(numbers: str) -> tuple[Notebook, ...]:
    """Notebooks named in a comma-separated list ("23,49"), in series order, each once; "" means all.

    Raises:
        ParameterError: when one of them does not exist.
    """
    asked = {find(part.strip()) for part in numbers.split(",") if part.strip()}
    return tuple(n for n in SERIES if not asked or n in asked)
