"""What proves that the history is whole: seals checked against records, and content against its hashes."""
