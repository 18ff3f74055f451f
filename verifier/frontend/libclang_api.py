"""Raw ctypes prototypes of the libclang C API that comes with the `libclang` wheel.

The wheel's own Python module wraps every cursor in objects and checks; that costs 20 to 70 microseconds a node, plain
structs and functions cost about 4.  `PyDLL` is used for the small calls: they are too short to be worth releasing
the interpreter lock around them.  Parsing goes through `CDLL`.

Reference: clang-c/Index.h, clang-c/CXString.h, clang-c/CXSourceLocation.h of LLVM 18.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_longlong, c_size_t, c_uint, c_ulong, c_ulonglong, c_void_p
from pathlib import Path


class CXCursor(ctypes.Structure):
    """A node.  For expressions and statements `d1` is the address of the node, for declarations `d0` is."""

    _fields_ = [("kind", c_uint), ("xdata", c_int), ("d0", c_size_t), ("d1", c_size_t), ("d2", c_size_t)]


class CXType(ctypes.Structure):
    """A type; `d0` is its address with the qualifiers in the low bits, good as a dictionary key within a unit."""

    _fields_ = [("kind", c_uint), ("d0", c_size_t), ("d1", c_size_t)]


class CXString(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("flags", c_uint)]


class CXSourceLocation(ctypes.Structure):
    _fields_ = [("d0", c_size_t), ("d1", c_size_t), ("int_data", c_uint)]


class CXSourceRange(ctypes.Structure):
    _fields_ = [("d0", c_size_t), ("d1", c_size_t), ("begin", c_uint), ("end", c_uint)]


class CXUnsavedFile(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("contents", c_char_p), ("length", c_ulong)]


VISITOR = ctypes.PYFUNCTYPE(c_int, CXCursor, CXCursor, c_void_p)
INCLUSION_VISITOR = ctypes.PYFUNCTYPE(None, c_void_p, POINTER(CXSourceLocation), c_uint, c_void_p)
FIELD_VISITOR = ctypes.PYFUNCTYPE(c_int, CXCursor, c_void_p)

BREAK, CONTINUE, RECURSE = 0, 1, 2

# CXTranslationUnit_Flags
INCOMPLETE, FOR_SERIALIZATION, KEEP_GOING = 0x02, 0x10, 0x200
SEVERITY_ERROR = 3
EVAL_INT = 1


def library_path() -> str:
    """Path of the wheel's library; KQUAL_LIBCLANG names another one."""
    override = os.environ.get("KQUAL_LIBCLANG")
    if override:
        return override
    import clang

    native = Path(clang.__file__).parent / "native"
    for name in ("libclang.so", "libclang.dylib", "libclang.dll"):
        if (native / name).exists():
            return str(native / name)
    raise OSError(f"no libclang library in {native}; is the libclang wheel installed?")


_path = library_path()
_lib = ctypes.PyDLL(_path)
_slow = ctypes.CDLL(_path)


def _function(name: str, restype, *argtypes, lib=_lib):
    function = getattr(lib, name)
    function.restype = restype
    function.argtypes = argtypes
    return function


create_index = _function("clang_createIndex", c_void_p, c_int, c_int)
dispose_index = _function("clang_disposeIndex", None, c_void_p)
parse_unit = _function(
    "clang_parseTranslationUnit2", c_int, c_void_p, c_char_p, POINTER(c_char_p), c_int, POINTER(CXUnsavedFile), c_uint,
    c_uint, POINTER(c_void_p), lib=_slow,
)
save_unit = _function("clang_saveTranslationUnit", c_int, c_void_p, c_char_p, c_uint, lib=_slow)
dispose_unit = _function("clang_disposeTranslationUnit", None, c_void_p, lib=_slow)
unit_cursor = _function("clang_getTranslationUnitCursor", CXCursor, c_void_p)
get_file = _function("clang_getFile", c_void_p, c_void_p, c_char_p)
file_name = _function("clang_getFileName", CXString, c_void_p)
inclusions = _function("clang_getInclusions", None, c_void_p, INCLUSION_VISITOR, c_void_p)

visit_children = _function("clang_visitChildren", c_uint, CXCursor, VISITOR, c_void_p)
visit_fields = _function("clang_Type_visitFields", c_uint, CXType, FIELD_VISITOR, c_void_p)
referenced = _function("clang_getCursorReferenced", CXCursor, CXCursor)
semantic_parent = _function("clang_getCursorSemanticParent", CXCursor, CXCursor)
definition = _function("clang_getCursorDefinition", CXCursor, CXCursor)
is_definition = _function("clang_isCursorDefinition", c_uint, CXCursor)
storage_class = _function("clang_Cursor_getStorageClass", c_int, CXCursor)
is_inlined = _function("clang_Cursor_isFunctionInlined", c_uint, CXCursor)
has_attributes = _function("clang_Cursor_hasAttrs", c_uint, CXCursor)
initializer = _function("clang_Cursor_getVarDeclInitializer", CXCursor, CXCursor)
global_storage = _function("clang_Cursor_hasVarDeclGlobalStorage", c_int, CXCursor)
is_anonymous = _function("clang_Cursor_isAnonymous", c_uint, CXCursor)
is_anonymous_record = _function("clang_Cursor_isAnonymousRecordDecl", c_uint, CXCursor)
enum_value = _function("clang_getEnumConstantDeclValue", c_longlong, CXCursor)
binary_operator = _function("clang_getCursorBinaryOperatorKind", c_int, CXCursor)
unary_operator = _function("clang_getCursorUnaryOperatorKind", c_int, CXCursor)

cursor_type = _function("clang_getCursorType", CXType, CXCursor)
canonical_type = _function("clang_getCanonicalType", CXType, CXType)
pointee_type = _function("clang_getPointeeType", CXType, CXType)
element_type = _function("clang_getArrayElementType", CXType, CXType)
array_size = _function("clang_getArraySize", c_longlong, CXType)
result_type = _function("clang_getResultType", CXType, CXType)
is_const = _function("clang_isConstQualifiedType", c_uint, CXType)
number_of_arguments = _function("clang_Cursor_getNumArguments", c_int, CXCursor)
type_declaration = _function("clang_getTypeDeclaration", CXCursor, CXType)
_type_spelling = _function("clang_getTypeSpelling", CXString, CXType)
_cursor_spelling = _function("clang_getCursorSpelling", CXString, CXCursor)
_c_string = _function("clang_getCString", c_char_p, CXString)
_dispose_string = _function("clang_disposeString", None, CXString)

cursor_location = _function("clang_getCursorLocation", CXSourceLocation, CXCursor)
cursor_extent = _function("clang_getCursorExtent", CXSourceRange, CXCursor)
_range_start = _function("clang_getRangeStart", CXSourceLocation, CXSourceRange)
_range_end = _function("clang_getRangeEnd", CXSourceLocation, CXSourceRange)
_expansion = _function(
    "clang_getExpansionLocation", None, CXSourceLocation, POINTER(c_void_p), POINTER(c_uint), POINTER(c_uint),
    POINTER(c_uint),
)
_spelling = _function(
    "clang_getSpellingLocation", None, CXSourceLocation, POINTER(c_void_p), POINTER(c_uint), POINTER(c_uint),
    POINTER(c_uint),
)

_evaluate = _function("clang_Cursor_Evaluate", c_void_p, CXCursor)
_result_kind = _function("clang_EvalResult_getKind", c_int, c_void_p)
_result_integer = _function("clang_EvalResult_getAsLongLong", c_longlong, c_void_p)
_result_is_unsigned = _function("clang_EvalResult_isUnsignedInt", c_uint, c_void_p)
_result_unsigned = _function("clang_EvalResult_getAsUnsigned", c_ulonglong, c_void_p)
_dispose_result = _function("clang_EvalResult_dispose", None, c_void_p)

number_of_diagnostics = _function("clang_getNumDiagnostics", c_uint, c_void_p)
_diagnostic = _function("clang_getDiagnostic", c_void_p, c_void_p, c_uint)
_diagnostic_severity = _function("clang_getDiagnosticSeverity", c_int, c_void_p)
_diagnostic_location = _function("clang_getDiagnosticLocation", CXSourceLocation, c_void_p)
_diagnostic_text = _function("clang_getDiagnosticSpelling", CXString, c_void_p)
_dispose_diagnostic = _function("clang_disposeDiagnostic", None, c_void_p)

_file, _line, _column, _offset = c_void_p(), c_uint(), c_uint(), c_uint()
_where = (byref(_file), byref(_line), byref(_column), byref(_offset))


def text_of(string: CXString) -> str:
    """The Python string of a CXString, which is released; bytes that are no UTF-8 become `\\xff`, as in Sources.name."""
    data = _c_string(string)
    _dispose_string(string)
    return data.decode("utf-8", "backslashreplace") if data else ""


def cursor_spelling(cursor: CXCursor) -> str:
    """Name of a declaration, text of a string literal, "" for most expressions."""
    return text_of(_cursor_spelling(cursor))


def type_spelling(type_: CXType) -> str:
    """A type as C text."""
    return text_of(_type_spelling(type_))


def expansion_line(cursor: CXCursor) -> int:
    """Line of the cursor in the unexpanded source."""
    _expansion(cursor_location(cursor), None, _where[1], None, None)
    return _line.value


def line_of(location: CXSourceLocation) -> int:
    """Line of a location in the unexpanded source."""
    _expansion(location, None, _where[1], None, None)
    return _line.value


def expansion_place(cursor: CXCursor) -> tuple[int | None, int, int]:
    """(file handle, line, byte offset) of the cursor in the unexpanded source."""
    _expansion(cursor_location(cursor), *_where)
    return _file.value, _line.value, _offset.value


def end_line(cursor: CXCursor) -> int:
    """Last line of the cursor's extent in the unexpanded source."""
    _expansion(_range_end(cursor_extent(cursor)), None, _where[1], None, None)
    return _line.value


def expansion_extent(cursor: CXCursor) -> tuple[int | None, int]:
    """(file handle, byte offset) where the cursor's text begins in the unexpanded source."""
    _expansion(_range_start(cursor_extent(cursor)), *_where)
    return _file.value, _offset.value


def spelling_extent(cursor: CXCursor) -> tuple[int | None, int, int | None, int]:
    """(file, offset, end file, end offset) of where the cursor's tokens are written, which may be a macro body."""
    extent = cursor_extent(cursor)
    _spelling(_range_start(extent), *_where)
    begin = _file.value, _offset.value
    _spelling(_range_end(extent), *_where)
    return (*begin, _file.value, _offset.value)


def evaluate(cursor: CXCursor) -> int | None:
    """Value of an integer constant expression, None if it is none."""
    result = _evaluate(cursor)
    if not result:
        return None
    value = None
    if _result_kind(result) == EVAL_INT:
        value = _result_unsigned(result) if _result_is_unsigned(result) else _result_integer(result)
    _dispose_result(result)
    return value


def path_of(file: int | None) -> str:
    """File name as the compiler saw it, "" for built-ins."""
    return text_of(file_name(file)) if file else ""


def errors(unit: int, limit: int = 20) -> list[tuple[str, int, str]]:
    """(file, line, message) of the error diagnostics, at most `limit`."""
    found = []
    for number in range(number_of_diagnostics(unit)):
        diagnostic = _diagnostic(unit, number)
        if _diagnostic_severity(diagnostic) >= SEVERITY_ERROR:
            _expansion(_diagnostic_location(diagnostic), *_where)
            found.append((path_of(_file.value), _line.value, text_of(_diagnostic_text(diagnostic))))
        _dispose_diagnostic(diagnostic)
        if len(found) >= limit:
            break
    return found


def parse(index: int, path: str, arguments: list[str], options: int, overlay: dict[str, bytes] | None = None):
    """Parse one file; returns (unit handle or None, CXErrorCode).  The caller disposes of the unit."""
    argv = (c_char_p * len(arguments))(*(os.fsencode(a) for a in arguments))
    unsaved = (CXUnsavedFile * len(overlay or {}))(
        *(CXUnsavedFile(os.fsencode(name), data, len(data)) for name, data in sorted((overlay or {}).items()))
    )
    unit = c_void_p()
    code = parse_unit(index, os.fsencode(path), argv, len(arguments), unsaved, len(unsaved), options, byref(unit))
    return unit.value, code


def included_files(unit: int) -> list[str]:
    """Names of all files that the unit was made from, its main file among them, sorted."""
    names: set[str] = set()
    visitor = INCLUSION_VISITOR(lambda file, _stack, _depth, _data: names.add(path_of(file)))
    inclusions(unit, visitor, None)
    return sorted(names)
