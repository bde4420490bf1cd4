package transform

// EntityNames are the names in entities.txt.
func EntityNames() (names []string) {
	for _, l := range []entityList{strictEntities, legacyEntities} {
		for _, e := range l.list {
			names = append(names, e.name)
		}
	}
	return names
}
