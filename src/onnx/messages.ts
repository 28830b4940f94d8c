/**
 * The messages of an ONNX file that an exported network needs: a part of https://github.com/onnx/onnx
 * (`onnx/onnx.proto`), with its names and field numbers.
 */
import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto2";
  message ModelProto {
    optional int64 ir_version = 1; optional string producer_name = 2; optional string producer_version = 3;
    optional GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
    repeated StringStringEntryProto metadata_props = 14;
  }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message StringStringEntryProto { optional string key = 1; optional string value = 2; }
  message GraphProto {
    repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1; repeated string output = 2; optional string name = 3;
    optional string op_type = 4; repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    optional string name = 1; optional int32 type = 20;
    optional float f = 2; optional int64 i = 3; repeated int64 ints = 8;
  }
  message TensorProto {
    repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
  message TypeProto {
    message Tensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
    optional Tensor tensor_type = 1;
  }
  message TensorShapeProto {
    message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
    repeated Dimension dim = 1;
  }
`);
const modelProto = root.lookupType('ModelProto');

/** `AttributeProto.AttributeType` and `TensorProto.DataType`, as far as they are used. */
const attributeTypes = { f: 1, i: 2, ints: 7 } as const;
const float32 = 1;

type AttributeValue = { f: number } | { i: number } | { ints: number[] };

export interface Node {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: unknown[];
}

export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  graph: {
    name: string;
    node: Node[];
    initializer: unknown[];
    input: unknown[];
    output: unknown[];
  };
  opsetImport: { domain: string; version: number }[];
  metadataProps: { key: string; value: string }[];
}

/** A float, an integer or a list of integers under a name. */
export function attribute(name: string, value: AttributeValue) {
  const [kind] = Object.keys(value) as (keyof typeof attributeTypes)[];
  return { name, ...value, type: attributeTypes[kind!] };
}

/** A constant float32 tensor. ONNX wants little-endian values, which all machines that LibTorch supports have. */
export function tensor(name: string, shape: readonly number[], values: Float32Array) {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: shape, dataType: float32, rawData };
}

/** An input or output of float32; a dimension that is a name is free. */
export function valueInfo(name: string, shape: readonly (number | string)[]) {
  const dim = shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: float32, shape: { dim } } } };
}

/** The bytes of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  return modelProto.encode(modelProto.fromObject(model)).finish();
}
