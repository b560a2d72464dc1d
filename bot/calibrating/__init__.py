"""What people's verdicts say about how sure a model has to be."""
