"""How fast DocStore is, against references measured in the same run: machines differ, ratios last."""
