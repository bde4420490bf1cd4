package match

// TablesBytesMax is how much memory the tables of a program's patterns take together, in bytes, if nothing else is said:
// several times what the rule set's own attacks ask for. Beyond it no table grows.
const TablesBytesMax = 32 << 20
