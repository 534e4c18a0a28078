"""The fifteen data sets of the paper, read from the folder layout of CoOp and Tip-Adapter."""
