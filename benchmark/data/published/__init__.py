"""The paper's fifteen data sets, read from the layout in which CoOp's and Tip-Adapter's users have them."""
