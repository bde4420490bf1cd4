package exchange

import "bytes"

// A Field is one header or trailer field. Name keeps the spelling it came with; ID is NameOther for names that are
// not interned.
type Field struct {
	ID    NameID
	Name  []byte
	Value []byte
}

// Fields is a flat list in the order of the wire. The zero value is empty and ready.
type Fields []Field

// Get returns the value of the first field with an interned name, nil if there is none.
func (f Fields) Get(id NameID) []byte {
	for i := range f {
		if f[i].ID == id {
			return f[i].Value
		}
	}
	return nil
}

// Find returns the value of the first field of any name, compared without case; nil if there is none.
func (f Fields) Find(name []byte) []byte {
	if id := Intern(name); id != NameOther {
		return f.Get(id)
	}
	for i := range f {
		if f[i].ID == NameOther && EqualFold(f[i].Name, name) {
			return f[i].Value
		}
	}
	return nil
}

// Count returns how many fields have an interned name.
func (f Fields) Count(id NameID) int {
	n := 0
	for i := range f {
		if f[i].ID == id {
			n++
		}
	}
	return n
}

// Add appends a field with an interned name in its canonical spelling.
func (f *Fields) Add(id NameID, value []byte) { *f = append(*f, Field{id, id.Bytes(), value}) }

// AddNamed appends a field of any name.
func (f *Fields) AddNamed(name, value []byte) { *f = append(*f, Field{Intern(name), name, value}) }

// Set replaces every field of the interned name by one, at the place of the first.
func (f *Fields) Set(id NameID, value []byte) {
	for i := range *f {
		if (*f)[i].ID == id {
			(*f)[i].Value = value
			f.delFrom(i+1, id, nil)
			return
		}
	}
	f.Add(id, value)
}

// SetNamed is Set for a name that may not be interned.
func (f *Fields) SetNamed(id NameID, name, value []byte) {
	if id != NameOther {
		f.Set(id, value)
		return
	}
	for i := range *f {
		if (*f)[i].ID == NameOther && EqualFold((*f)[i].Name, name) {
			(*f)[i].Value = value
			f.delFrom(i+1, NameOther, name)
			return
		}
	}
	*f = append(*f, Field{NameOther, name, value})
}

// Del removes every field of the interned name.
func (f *Fields) Del(id NameID) { f.delFrom(0, id, nil) }

// DelNamed is Del for a name that may not be interned.
func (f *Fields) DelNamed(id NameID, name []byte) { f.delFrom(0, id, name) }

func (f *Fields) delFrom(from int, id NameID, name []byte) {
	list := *f
	kept := from
	for i := from; i < len(list); i++ {
		if list[i].ID == id && (id != NameOther || EqualFold(list[i].Name, name)) {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*f = list[:kept]
}

// EqualFold reports whether two ASCII names are equal without regard to case; other bytes must be the same.
func EqualFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}

// HasToken reports whether a comma-separated list (RFC 9110 section 5.6.1) contains a token, given in lower case.
func HasToken(list []byte, token string) bool {
	for len(list) > 0 {
		item := list
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			list = nil
		}
		if EqualFold(TrimOWS(item), []byte(token)) {
			return true
		}
	}
	return false
}

// TrimOWS cuts spaces and tabs, and nothing else, from both ends (RFC 9110 section 5.6.3).
func TrimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// lower maps ASCII capitals to small letters and every other byte to itself.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] = byte(i) + 'a' - 'A'
		}
	}
	return
}()
