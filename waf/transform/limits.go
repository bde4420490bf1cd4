package transform

// entityNameMax is the length in bytes of the longest name of a character reference without its semicolon,
// CounterClockwiseContourIntegral. No semicolon is looked for behind it, so that many ampersands before a long word stay linear.
const entityNameMax = 31
