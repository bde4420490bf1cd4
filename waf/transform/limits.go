package transform

// entityNameMax is the length in bytes of the longest name of a character reference without its semicolon,
// CounterClockwiseContourIntegral. Of a longer run of letters and digits only the front can be a name (one that needs no
// semicolon), so that no more is read: many ampersands in front of long words stay linear.
const entityNameMax = 31
