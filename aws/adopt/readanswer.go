package adopt

import "skerry.dev/skerry/aws/schema"

func (f *found) answer(src *source, root *schema.Node) bool { return false }
