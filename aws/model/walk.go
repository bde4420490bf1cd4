package model

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Step is one place of properties as Walk visits them.
type Step uint8

// The steps. An object or a list is followed by what is in it, and by End.
const (
	Object Step = iota
	List
	End
	Leaf // a Value, or a scalar of free JSON; nil in a list: nothing stands there
)

// Walk visits properties in the order in which JSON has them: names of objects by their bytes. It leaves out what Tree leaves out, and
// makes nothing on the way. name is empty in a list and at the top.
func Walk(props any, visit func(step Step, name string, leaf any)) {
	if is, ok := props.(Value); ok || props == nil {
		visit(Leaf, "", is)
		return
	}
	w := walker(visit)
	w.walk(reflect.ValueOf(props), "")
}

type walker func(step Step, name string, leaf any)

// absent is whether Tree would leave a value out.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return v.IsNil() || v.Kind() == reflect.Interface && v.Elem().Kind() != reflect.Struct && absent(v.Elem())
	case reflect.Slice, reflect.Map:
		return v.IsNil() && v.Type() != joinType
	}
	return !v.IsValid()
}

var joinType = reflect.TypeFor[Join]()

func (w walker) walk(v reflect.Value, name string) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if is, ok := v.Interface().(Value); ok {
			w(Leaf, name, is)
			return
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct: // whose fields model_gen.go has in order
		w(Object, name, nil)
		for i := range v.NumField() {
			if f := v.Field(i); !absent(f) {
				w.walk(f, v.Type().Field(i).Name)
			}
		}
		w(End, "", nil)
	case reflect.Slice:
		w(List, name, nil)
		for i := range v.Len() {
			w.item(v.Index(i), "")
		}
		w(End, "", nil)
	case reflect.Map:
		w(Object, name, nil)
		if free, ok := v.Interface().(map[string]any); ok {
			for _, k := range slices.Sorted(maps.Keys(free)) {
				if is, ok := free[k].(Value); ok {
					w(Leaf, k, is)
				} else {
					w.item(reflect.ValueOf(free[k]), k)
				}
			}
		} else {
			keys := v.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			for _, k := range keys {
				w.item(v.MapIndex(k), k.String())
			}
		}
		w(End, "", nil)
	default:
		w(Leaf, name, v.Interface())
	}
}

// item visits what must have its place even if it is nothing.
func (w walker) item(v reflect.Value, name string) {
	if absent(v) {
		w(Leaf, name, nil)
		return
	}
	w.walk(v, name)
}
