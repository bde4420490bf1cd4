package compile

import "skerry.dev/skerry/spec"

func (b *builder) canary() {}

func primaryRoutes(b *builder, e *spec.Entrypoint) []*spec.Route { return e.Routes }
