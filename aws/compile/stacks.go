package compile

import "skerry.dev/skerry/aws/model"

func (b *builder) stacks() *model.Deployment { return &model.Deployment{} }
