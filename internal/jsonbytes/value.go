// SPDX-License-Identifier: Apache-2.0

package jsonbytes

import (
	"encoding"
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// Marshal is json.Marshal of Escaped.
func Marshal(v any) ([]byte, error) { return json.Marshal(Escaped(v)) }

// Unmarshal is json.Unmarshal for what Marshal wrote.
func Unmarshal(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return err
	}
	to := reflect.ValueOf(v).Elem()
	if from, changed := newWalk(Unescape).value(to); changed {
		to.Set(from)
	}
	return nil
}

// Escaped gives v, or a copy, with all strings that encoding/json would write as Escape
// gives them; those of types that write themselves are left to them. v is not changed.
func Escaped(v any) any {
	from := reflect.ValueOf(v)
	if !from.IsValid() {
		return v
	}
	out, _ := newWalk(Escape).value(from)
	return out.Interface()
}

// IsUTF8 reports whether all strings that Escaped would look at are UTF-8, so that
// encoding/json writes each as it is.
func IsUTF8(v any) bool {
	from := reflect.ValueOf(v)
	if !from.IsValid() {
		return true
	}
	all := true
	newWalk(func(s string) string {
		all = all && utf8.ValidString(s)
		return s
	}).value(from)
	return all
}

// walk puts other strings into values. What it changes it copies.
type walk struct {
	change func(string) string
	fields map[reflect.Type][][]int // of structs, those that may hold strings
}

func newWalk(change func(string) string) *walk {
	return &walk{change: change, fields: map[reflect.Type][][]int{}}
}

// value gives v with other strings. changed is false where it is v itself.
func (w *walk) value(v reflect.Value) (_ reflect.Value, changed bool) {
	switch v.Kind() {
	case reflect.String:
		s := w.change(v.String())
		if s == v.String() {
			return v, false
		}
		c := reflect.New(v.Type()).Elem()
		c.SetString(s)
		return c, true
	case reflect.Interface, reflect.Pointer:
		return w.pointed(v)
	case reflect.Slice, reflect.Array:
		return w.list(v)
	case reflect.Map:
		return w.mapping(v)
	case reflect.Struct:
		return w.structure(v)
	default:
		return v, false
	}
}

func (w *walk) pointed(v reflect.Value) (reflect.Value, bool) {
	if v.IsNil() || writesItself(v.Type()) {
		return v, false
	}
	to, changed := w.value(v.Elem())
	if !changed {
		return v, false
	}
	c := reflect.New(v.Type()).Elem()
	if v.Kind() == reflect.Interface {
		c.Set(to)
	} else {
		c.Set(reflect.New(to.Type()))
		c.Elem().Set(to)
	}
	return c, true
}

func (w *walk) list(v reflect.Value) (reflect.Value, bool) {
	if v.Type().Elem().Kind() == reflect.Uint8 || writesItself(v.Type()) {
		return v, false
	}
	var c reflect.Value
	for i := range v.Len() {
		e, changed := w.value(v.Index(i))
		if !changed {
			continue
		}
		if !c.IsValid() {
			c = reflect.New(v.Type()).Elem()
			if v.Kind() == reflect.Slice {
				c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			}
			reflect.Copy(c, v)
		}
		c.Index(i).Set(e)
	}
	if !c.IsValid() {
		return v, false
	}
	return c, true
}

func (w *walk) mapping(v reflect.Value) (reflect.Value, bool) {
	if writesItself(v.Type()) {
		return v, false
	}
	c, some := reflect.MakeMapWithSize(v.Type(), v.Len()), false
	for each := v.MapRange(); each.Next(); {
		key, a := w.value(each.Key())
		e, b := w.value(each.Value())
		c.SetMapIndex(key, e)
		some = some || a || b
	}
	if !some {
		return v, false
	}
	return c, true
}

func (w *walk) structure(v reflect.Value) (reflect.Value, bool) {
	if writesItself(v.Type()) {
		return v, false
	}
	var c reflect.Value
	for _, index := range w.fieldsOf(v.Type()) {
		f, err := v.FieldByIndexErr(index)
		if err != nil { // of an embedded nil
			continue
		}
		to, changed := w.value(f)
		if !changed {
			continue
		}
		if !c.IsValid() {
			c = reflect.New(v.Type()).Elem()
			c.Set(v)
		}
		c.FieldByIndex(index).Set(to)
	}
	if !c.IsValid() {
		return v, false
	}
	return c, true
}

// fieldsOf gives the fields that encoding/json writes, those of embedded structs one by one.
func (w *walk) fieldsOf(t reflect.Type) [][]int {
	fields, ok := w.fields[t]
	if ok {
		return fields
	}
	for _, f := range reflect.VisibleFields(t) {
		if embedded := f.Anonymous && f.Type.Kind() == reflect.Struct; f.IsExported() && !embedded {
			fields = append(fields, f.Index)
		}
	}
	w.fields[t] = fields
	return fields
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// writesItself reports whether encoding/json asks values of the type for their text.
func writesItself(t reflect.Type) bool {
	if t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer {
		t = reflect.PointerTo(t)
	}
	return t.Implements(marshaler) || t.Implements(textMarshaler)
}
