/// The console: what a manager does, live, on a terminal.
enum Console {}
