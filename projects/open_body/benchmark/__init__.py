"""Parts of run_benchmark.py: the pipeline of data set v1 from pictures to tables."""
