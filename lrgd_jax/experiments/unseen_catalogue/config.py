"""The setting of the experiment on unseen catalogues."""

from dataclasses import dataclass

from lrgd_jax.item_models.layers import LAYERS

__all__ = ["GENERATED", "QUICK", "Config"]

GENERATED = "generated"
"""Stands for made-up catalogues."""


@dataclass(frozen=True)
class Config:
    """What is run.

    Attributes:
        seeds: of training, rotations and signatures.
        train: folders of the catalogues that weights are trained on, or "generated".
        test: folders of the catalogues that they are asked about.
        ties: how interactions of one user at one time are read in the catalogues that are asked about; the first
            rule is measured with every seed and also with random demonstrations, the others with the first seed.
        designs: "kind-layers" of the stacks.
        demonstrations: how many every stack is shown.
        curve: how many the stacks of `curve_designs` are shown.
        curve_designs: of these.
        users: test users of a catalogue.
        duals: of these, those whose single steps are looked at.
        steps: of training, at most.
        window: items of a history.
        questions: of a training catalogue.
    """

    seeds: int = 2
    train: tuple[str, ...] = ("../shared/data/amazon_games", "../shared/data/amazon_cds")
    test: tuple[str, ...] = ("../shared/data/amazon_office", "../shared/data/amazon_industrial")
    ties: tuple[str, ...] = ("basket", "as-stored")
    designs: tuple[str, ...] = (
        "linear-1",
        "normalised-1",
        "normalised-2",
        "normalised-4",
        "softmax-1",
        "ridge-1",
        "delta-1",
        "gated-delta-1",
    )
    demonstrations: int = 32
    curve: tuple[int, ...] = (8, 128, 512)
    curve_designs: tuple[str, ...] = ("softmax-1",)
    users: int = 1500
    duals: int = 200
    steps: int = 80
    window: int = 10
    questions: int = 600

    def __post_init__(self) -> None:
        for name in (*self.designs, *self.curve_designs):
            kind, _, layers = name.rpartition("-")
            if kind not in LAYERS or not layers.isdigit() or int(layers) < 1:
                raise ValueError(f"Config: a design is a kind and a number of layers, as softmax-2, got {name!r}")
        sizes = (self.demonstrations, self.users, self.duals, self.window, self.questions, *self.curve)
        if min(sizes) < 1 or self.steps < 20 or self.steps % 20 or not self.ties or not self.designs:
            raise ValueError(f"Config: sizes are at least 1, and steps a multiple of 20; got {self}")


QUICK = Config(
    seeds=1,
    train=(GENERATED,),
    test=(GENERATED,),
    ties=("basket",),
    designs=("linear-1", "ridge-1"),
    demonstrations=8,
    curve=(2,),
    curve_designs=("linear-1",),
    users=60,
    duals=20,
    steps=20,
    window=4,
    questions=50,
)
"""Small generated catalogues; seconds."""
