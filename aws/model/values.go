package model

// Value is a property that is no object and no list: a literal, or something that is known only once resources exist. nil: absent.
type Value interface{ value() }

// The literals.
type (
	// Text is a text.
	Text string
	// Int is a whole number.
	Int int64
	// Float is a number with a fraction.
	Float float64
	// Bool is yes or no.
	Bool bool
)

// Ref is an attribute of a resource, by the name that CloudFormation gives it ("Arn", "Id"); empty: what Ref returns for its type.
type Ref struct {
	Resource *Resource
	Attr     string
}

// Join is a text of several parts.
type Join []Value

// Pseudo is a parameter that AWS fills in: "AWS::AccountId", "AWS::Region", "AWS::Partition".
type Pseudo string

// Intrinsic is a function that a reader met and cannot resolve, with its argument as read.
type Intrinsic struct {
	Name string
	Arg  any
}

func (Text) value()      {}
func (Int) value()       {}
func (Float) value()     {}
func (Bool) value()      {}
func (Ref) value()       {}
func (Join) value()      {}
func (Pseudo) value()    {}
func (Intrinsic) value() {}

// The pseudo parameters in use.
const (
	AccountID Pseudo = "AWS::AccountId"
	Region    Pseudo = "AWS::Region"
	Partition Pseudo = "AWS::Partition"
)

// Texts are literals, in their order.
func Texts(list []string) []Value {
	out := make([]Value, len(list))
	for i, s := range list {
		out[i] = Text(s)
	}
	return out
}
