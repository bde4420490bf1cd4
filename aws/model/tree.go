package model

import (
	"fmt"
	"reflect"
	"slices"
)

// Tree returns properties as what encoding/json writes: maps, lists and what value makes of each Value. What is absent is left out;
// an empty list or object that is there stays.
func Tree(props any, value func(Value) any) any {
	t, _ := tree(reflect.ValueOf(props), value)
	return t
}

var valueType = reflect.TypeFor[Value]()

func tree(v reflect.Value, value func(Value) any) (out any, there bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, false
		}
		if is, ok := v.Interface().(Value); ok {
			return value(is), true
		}
		return tree(v.Elem(), value)
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			if t, ok := tree(v.Field(i), value); ok {
				m[v.Type().Field(i).Name] = t
			}
		}
		return m, true
	case reflect.Slice:
		if v.IsNil() {
			return nil, false
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i], _ = tree(v.Index(i), value)
		}
		return list, true
	case reflect.Map:
		if v.IsNil() {
			return nil, false
		}
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()], _ = tree(v.MapIndex(k), value)
		}
		return m, true
	}
	if is, ok := v.Interface().(Value); ok { // inside free JSON
		return value(is), true
	}
	return v.Interface(), true
}

// Fill sets properties from what encoding/json reads with UseNumber. value makes a Value of what stands where one belongs. Each
// problem that it returns names the property: unknown, or an object where a list belongs.
func Fill(props Properties, from any, value func(any) (Value, error)) []error {
	f := filler{value: value}
	f.fill(reflect.ValueOf(props).Elem(), from, "")
	return f.problems
}

type filler struct {
	value    func(any) (Value, error)
	problems []error
}

func (f *filler) fail(path, format string, args ...any) {
	f.problems = append(f.problems, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (f *filler) fill(to reflect.Value, from any, path string) {
	switch t := to.Type(); {
	case t == valueType:
		v, err := f.value(from)
		if err != nil {
			f.fail(path, "%v", err)
			return
		}
		to.Set(reflect.ValueOf(&v).Elem())
	case t.Kind() == reflect.Interface:
		to.Set(reflect.ValueOf(&from).Elem())
	case t.Kind() == reflect.Pointer:
		to.Set(reflect.New(t.Elem()))
		f.fill(to.Elem(), from, path)
	case t.Kind() == reflect.Struct:
		f.object(to, from, path)
	case t.Kind() == reflect.Slice:
		list, ok := from.([]any)
		if !ok {
			f.fail(path, "a list is needed")
			return
		}
		to.Set(reflect.MakeSlice(t, len(list), len(list)))
		for i := range list {
			f.fill(to.Index(i), list[i], fmt.Sprintf("%s.%d", path, i))
		}
	default: // a map
		m, ok := from.(map[string]any)
		if !ok {
			f.fail(path, "an object is needed")
			return
		}
		to.Set(reflect.MakeMap(t))
		for k := range m {
			v := reflect.New(t.Elem()).Elem()
			f.fill(v, m[k], path+"."+k)
			to.SetMapIndex(reflect.ValueOf(k), v)
		}
	}
}

func (f *filler) object(to reflect.Value, from any, path string) {
	m, ok := from.(map[string]any)
	if !ok {
		f.fail(path, "an object is needed")
		return
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		within := name
		if path != "" {
			within = path + "." + name
		}
		field := to.FieldByName(name)
		if !field.IsValid() {
			f.fail(within, "there is no such property")
			continue
		}
		f.fill(field, m[name], within)
	}
}
