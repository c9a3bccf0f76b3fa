"""Limits on the threads of calls that overlap."""

import threading

import torch

from ophion._threads import limit_threads


def test_limits_of_calls_that_overlap_are_given_back_when_the_last_one_is_over():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    first, second = limit_threads(1), limit_threads(2)
    first.__enter__()
    second.__enter__()
    assert torch.get_num_threads() == 2
    first.__exit__(None, None, None)  # not the order in which they came: threads don't keep it
    second.__exit__(None, None, None)
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert found == [3], "a thread that comes later has none of the limits"
    torch.set_num_threads(before)
