package main

// requestBytesMax is the largest request, in bytes: documents of some thousand entrypoints. Beyond it: an error.
const requestBytesMax = 64 << 20
