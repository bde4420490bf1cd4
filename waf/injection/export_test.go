package injection

// Words is every keyword with the letter of its category, 0 for the halves of phrases.
func Words(yield func(text string, letter byte)) {
	for _, w := range wordList {
		yield(w.text, letters[w.kind])
	}
}

// WordLetter is the letter of the keyword that text is, 0 if it is none.
func WordLetter(text string) byte {
	w, _ := words.lookup([]byte(text))
	if w == 0 {
		return 0
	}
	return letters[wordList[w-1].kind]
}

// OperatorLetter is the letter of an operator of two bytes, 0 if they are none.
func OperatorLetter(a, b byte) byte { return letters[operatorPair(a, b)] }

// BeginsOperators reports whether an operator of two bytes can begin with the byte.
func BeginsOperators(c byte) bool { return byteKinds[c].begin == beginOperators }

// Prints calls yield with every fingerprint that the automaton accepts.
func Prints(yield func(string)) { prints(printRoot, "", yield) }

func prints(node uint16, before string, yield func(string)) {
	if printNodes[node].ends {
		yield(before)
	}
	for c := range category(len(letters)) {
		if c != sqlType && c.in(printNodes[node].next) {
			prints(step(node, c), before+string(letters[c]), yield)
		}
	}
}

// Attrs is every name of an attribute in the table, Tags every tag.
func Attrs(yield func(name string, kind int)) {
	for _, a := range attrList {
		yield(a.name, int(attrOf([]byte(a.name))))
	}
}
