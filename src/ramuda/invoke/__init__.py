"""Running functions: who may run (`concurrency`), where (`placement`), and what is made of it (`sync`, `meter`)."""
