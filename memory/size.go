package memory

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are powers of 1024, as in documents.
var units = [...]struct {
	name string
	size int64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}}

// ParseSize reads a number of bytes: 512, 64KB, 100MB, 2GB or 1TB; the units are powers of 1024.
func ParseSize(text string) (int64, error) {
	digits, unit := text, int64(1)
	for _, u := range units {
		if before, ok := strings.CutSuffix(text, u.name); ok {
			digits, unit = before, u.size
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size such as 512MB or 2GB (units are powers of 1024)", text)
	}
	return int64(n) * unit, nil
}

// Text writes a number of bytes for people: in the largest unit of which there is one, rounded to two digits or to a whole number.
func Text(bytes int64) string {
	for _, u := range units {
		if bytes < u.size {
			continue
		}
		n := float64(bytes) / float64(u.size)
		if n >= 10 {
			return strconv.FormatInt(int64(math.Round(n)), 10) + u.name
		}
		return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") + u.name
	}
	return strconv.FormatInt(bytes, 10)
}
