"""A tool that adds up columns and notes how its jobs end."""

import numpy as np

log = []
kept = []


class Job:
    def __init__(self, arguments):
        self.arguments = arguments
        self.total = 0.0

    def run(self, arguments, data):
        if arguments.get("fail"):
            raise ValueError("no room on the disk")
        if arguments.get("keep"):
            kept.append(data["x"])
        if arguments.get("set"):
            return {"roc": [1, {1, 2}]}
        self.total += float(data["x"].sum())
        return {"total": np.float64(self.total), "n": np.int64(len(data["x"])), "good": np.bool_(True),
                "list": np.arange(2)}, {"doubled": data["x"] * 2, "same": data["x"]}

    def finish(self):
        log.append("finished")
        return {"total": self.total}

    def abandon(self):
        log.append("abandoned")


def start(arguments):
    return Job(arguments)
