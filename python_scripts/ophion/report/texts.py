"""What each kind of figure is called, what to look for in it, and what a bad one looks like: for the page and for docs/report.md."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    title: str
    look_for: str
    bad: str


# In the order of the page.
FIGURES = {
    "separation": Text(
        "Separation",
        "How much each feature alone tells the classes apart before any training: 0 where the distributions are the same, 1 where "
        "they do not overlap; the black mark is what features without any difference would give with as many events.",
        "A bar close to 1 is a warning: the feature may know the class by construction, as a weight or an event number does.",
    ),
    "inputs": Text(
        "Features",
        "Distributions of the features by class, each scaled to the same area: look for shapes that differ between the classes, "
        "and that are what you expect of the quantity.",
        "Spikes at one value, two scales in one feature, or events outside the range point to values that mean “not measured” or to "
        "wrong units.",
    ),
    "transformed": Text(
        "Features after transforms",
        "The same features as a method sees them: all should span similar ranges, most networks want a few units around zero.",
        "A transform has failed when nearly all events sit in one bin, because a few far values have set the scale.",
    ),
    "correlations": Text(
        "Linear correlations",
        "Pairs of features in dark colours hold the same information twice; differences between the matrices of two classes are "
        "what methods beyond single cuts can use. Transforms that leave all of them alone, as scalings do, have no figure of their own.",
        "A whole row at 100 % is a copy of another feature; a grey row is a constant one, which is of no use.",
    ),
    "scores": Text(
        "Score distributions",
        "The classes should gather at opposite ends, and the points of the training part should lie on the lines of the other part "
        "within their errors.",
        "Points off the lines mean overtraining: the method knows its training events by heart, and its training scores mean "
        "nothing.",
    ),
    "roc": Text(
        "ROC curves",
        "Each point is a cut on the score: the nearer the left curve comes to the upper right corner, and the lower the right one "
        "lies, the better; bands are one standard deviation of both samples.",
        "A curve on the dotted diagonal guesses; curves whose bands overlap cannot be ranked with these events, and steps mean few "
        "events or few distinct scores.",
    ),
    "cuts": Text(
        "Efficiencies and significance",
        "What a cut on the score keeps of both classes, and the significance S/√(S+B) of what passes, S and B being sums of weights: "
        "the flatter its top, the less the choice of the cut matters.",
        "A top of a few jagged points at the far end is a fluctuation of few events, and no place for a cut.",
    ),
    "calibration": Text(
        "Calibration",
        "Where the points lie on the diagonal a score of 0.8 means that 80 % of such events are of the class; the classes are "
        "scaled as they were in training.",
        "An S-shape means scores that are too cautious or too sure: the ranking is not touched, but the score is no probability.",
    ),
    "confusion": Text(
        "Confusion matrix",
        "How the events of each true class (rows, by weight) are divided among the classes chosen: two classes by a cut at 0.5, "
        "more by the highest score.",
        "A column that takes most of every row means that the method has learnt how frequent a class is and little else.",
    ),
    "predictions": Text(
        "Prediction against truth",
        "Events should lie along the line, as narrowly at the ends as in the middle.",
        "A flat band means that the method predicts the mean; a tilt towards it at both ends is the usual regression to the mean.",
    ),
    "residuals": Text(
        "Residuals",
        "Prediction minus truth should be narrow, centred at zero, and the same for both parts.",
        "A shift is a bias, long tails are a few events that are badly wrong, and a much narrower training part is overtraining.",
    ),
    "response": Text(
        "Bias and resolution",
        "Left the mean of prediction minus truth in bins of the truth, which should be zero everywhere; right half the width of the "
        "central 68 %, the resolution.",
        "A falling left curve pulls everything to the mean; a resolution that rises at an end shows where training events are rare.",
    ),
    "spectators": Text(
        "Spectators",
        "Whether the score follows a quantity that it should not know: the score's mean should be flat in it, and a cut on the "
        "score should leave its shape alone. The divergence (Jensen-Shannon, in bits) between what passes and what fails is 0 "
        "then and at most 1; few events alone give a little more than 0.",
        "A bump after the cut where the signal lies is sculpting: the background would look like signal there.",
    ),
    "history": Text(
        "Training history",
        "Losses should fall and level off, that of the validation part close to that of the training part.",
        "A validation loss that rises while the training loss falls is overtraining; one that still falls at the end asks for more "
        "epochs, and one that jumps for a smaller learning rate.",
    ),
    "importance": Text(
        "Importance of features",
        "How much worse the method becomes when one feature is shuffled among the events; the method's own measure, where it has "
        "one, stands beside it.",
        "Features that share information share their importance, so a short bar need not mean a useless feature; a single bar that "
        "dwarfs all others deserves a look at where it comes from.",
    ),
    "tuning": Text(
        "Tuning",
        "The trials and their values, and which settings mattered: the best trials should lie close together, away from the ends of "
        "the ranges searched.",
        "A best trial that stands alone is luck; a best value at the end of its range asks for a wider range.",
    ),
}
