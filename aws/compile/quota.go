package compile

import "skerry.dev/skerry/aws/model"

func (b *builder) quota(d *model.Deployment) {}
