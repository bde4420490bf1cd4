package spec

type certificateDoc struct {
	meta       metaDoc
	at         Pos
	chain, key val[Ref]
	isDefault  val[Switch]
}

var certificateSpec = object[certificateDoc]{
	name: "Certificate", doc: "A certificate and its key, for the hosts that the certificate itself names.",
	fields: []field[*certificateDoc]{
		row("certificate", func(c *certificateDoc) *val[Ref] { return &c.chain }, secretRef,
			"The chain (PEM), leaf first: file:NAME below --secrets, or env:SKERRY_SECRET_NAME.").needed(),
		row("key", func(c *certificateDoc) *val[Ref] { return &c.key }, secretRef, "The private key (PEM), by reference as well.").needed(),
		rowOr("default", func(c *certificateDoc) *val[Switch] { return &c.isDefault }, onOff, false,
			"Whether clients that name no host get it; one certificate at most can be."),
	},
}

func (r *resolver) addCertificates(docs []certificateDoc) {
	seen := map[string]Pos{}
	var first *Certificate // that is the default
	for _, d := range docs {
		if !r.unique("Certificate", d.meta.name, seen) {
			continue
		}
		c := &Certificate{Meta: d.meta.model(), At: d.at, Chain: d.chain.V, Key: d.key.V, Default: bool(d.isDefault.V)}
		switch {
		case c.Default && first != nil:
			r.log.refuse(d.isDefault.At, "keep one of them", "there are two default certificates; the other one is %q at %s", first.Meta.Name, first.At)
		case c.Default:
			first = c
		}
		r.spec.Certificates = append(r.spec.Certificates, c)
	}
}

func canonicalCertificate(c *Certificate) []byte {
	d := certificateDoc{chain: said(c.Chain), key: said(c.Key), isDefault: said(Switch(c.Default))}
	return canonicalDocument("Certificate", metaDocOf(c.Meta), certificateShape.write(d))
}
