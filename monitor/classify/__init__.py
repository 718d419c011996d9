"""Tell complaint from praise: the embedded model, its training and its measuring."""
