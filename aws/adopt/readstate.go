package adopt

import "skerry.dev/skerry/aws/schema"

func (f *found) state(src *source, root *schema.Node) bool { return false }
