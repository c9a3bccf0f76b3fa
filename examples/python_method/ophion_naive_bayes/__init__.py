"""Gaussian naive Bayes with event weights, as a method for Ophion."""
