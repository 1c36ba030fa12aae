"""Remarks that hold for several methods' cards."""

SORTED_AS_TEXT = (
    "The code sorts frame names as text (10 before 2); here they are in natural order, which is the same "
    "where the numbers have equally many digits. input.order=string is the code's order."
)
