"""What is told of the work as a whole: statistics, and the weekly digest that rests on them."""
