"""The parts of the open body's builder, one idea per file."""
