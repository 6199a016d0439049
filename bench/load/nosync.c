// Preloaded into a server, it takes away what waiting for the disk costs, and nothing else: that is how the price of durability is known.
int fsync(int fd) { return fd < 0 ? -1 : 0; }
int fdatasync(int fd) { return fd < 0 ? -1 : 0; }
