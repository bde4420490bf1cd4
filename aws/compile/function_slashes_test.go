package compile

import "testing"

// TestSlashesOfCloudFront holds that a path that CloudFront alone takes for one of a behaviour is refused there: it reads several
// slashes as one before it chooses, and the function gets the path as it was sent.
func TestSlashesOfCloudFront(t *testing.T) {
	_, s := madeSite(t, wholeSpec)
	n := newNode(t)
	for target, want := range map[string]string{
		"//api/x":        "404",
		"///api":         "404",
		"//strip/it/x":   "404",
		"/strip//it/x":   "404",
		"//user/7":       "404",
		"/deep//a/y":     "404",
		"/api//x":        "/api//x",
		"/strip/it//x":   "/x",
		"/user/7":        "/v2/7/x",
		"//nothing/else": "404", // of the default behaviour, which has no route for it
	} {
		o, err := n.run(s.behaviorFor(target).viewer.code, requestEvent("GET", "www.example.com", target), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := map[bool]string{true: "404", false: o.URI}[o.Status == 404]; got != want {
			t.Errorf("%s: %s with %d, want %s", target, got, o.Status, want)
		}
	}
}
