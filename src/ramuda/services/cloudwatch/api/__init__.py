"""One file per kind of question: metrics themselves, statistics of one, data of many."""
