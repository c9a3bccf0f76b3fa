"""The report of a run: summarised part by part, drawn from what the summary keeps.

Modules, in the order of the flow: binning, curves, summarise (numbers from events); storage (the two files between); view, style,
figures_* (figures from numbers); texts, page, draw (files that people look at). Only the last row needs matplotlib.
"""
