"""Write docs/report.md: what the report holds, and each figure's text from ophion.report.texts, the one source.

Usage: make_report_reference.py [--check]     (--check: exit 1 when the page is not what the texts say)
"""

import pathlib
import runpy
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "report.md"
HEAD = """# The report

`ophion train` and `ophion evaluate` end with a report in their folder; `ophion report RUN` draws it again from what lies there, without the
events. Of several folders of one run, `runs/<name>/latest` is the newest.

| file | holds |
|---|---|
| `report/index.html` | the page: one file that needs no network and no script, and prints well |
| `report/figures/` | each figure as PNG and PDF |
| `report/histograms.root` | the histograms: sums of weights and of their squares |
| `report/summary.json` | curves and matrices: ROC curves with their bands, cuts, calibration, correlations, profiles; and which histogram shows what |

`"report": {"style": "CMS", "label": "Simulation"}` in the config draws like an experiment (`plain`, `ATLAS`, `CMS`, `LHCb`: the styles of
mplhep) and puts the label beside its name; `"report": {"enabled": false}` leaves the report out.

Everything is weighted with the weights as they were read, which may be negative. “Share of events” is the share of a class's sum of
weights. Figures of features show the part that comes first (training); figures of scores show the test part, else validation, else
training. A histogram's range leaves out long tails (half a percent at each end, which are in the under- and overflow) and a far value such
as -999 that means “not measured”, whose share is written into the figure.

## Restyling

The histograms open in hist as well as in ROOT (`TFile::Open("histograms.root")`):

```python
import matplotlib.pyplot as plt
import mplhep
import uproot

with uproot.open("report/histograms.root") as file:
    keys = file["scores/test"].keys(cycle=False, filter_classname="TH1*")
    shapes = {key: file["scores/test"][key].to_hist() for key in keys}
mplhep.histplot(list(shapes.values()), label=list(shapes), density=True)
plt.legend()
plt.savefig("scores.pdf")
```

| histograms | show |
|---|---|
| `inputs/<feature>/<class>` | features, before transforms |
| `transformed/<method>/<feature>/<class>` | features as a method sees them; of methods with the same transforms, under the first |
| `scores/<part>/<method>/<scored class>/<class>` | scores |
| `residuals/<part>/<method>/<target>`, `truth_and_prediction/<part>/<method>/<target>` | a regression |
| `spectators/<part>/<spectator>/<class>`, `spectators/<part>/<spectator>/<method>/<class>_after_cut_<efficiency>` | spectators, also after a cut |

Letters that ROOT does not allow in names are written as `_`. The one class of a regression is called `events`.

## The figures
"""


def page():
    texts = runpy.run_path(str(ROOT / "python_scripts" / "ophion" / "report" / "texts.py"))["FIGURES"]
    rows = [f"### {text.title}\n\n{text.look_for} {text.bad}\n" for text in texts.values()]
    return "\n".join([HEAD, *rows])


def main(arguments):
    text = page()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is not what ophion.report.texts says: run scripts/make_report_reference.py", file=sys.stderr)
            return 1
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
