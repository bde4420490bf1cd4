//go:build poison

package exchange

// Poison overwrites released memory in builds with -tags poison, so that a view kept too long fails loudly.
func Poison(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}

func poisonFields(lists ...Fields) {
	dead := []byte("\xdb\xdb released")
	for _, list := range lists {
		for i := range list {
			list[i] = Field{ID: NameOther, Name: dead, Value: dead}
		}
	}
}
