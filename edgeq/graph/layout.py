"""Where every field of the LiteRT schema lies: tables, slots, unions and enumerations.

This is the schema (version 3, file identifier TFL3) as data, for the verifier, which may trust
nothing that is generated. The tests compare it with `ai_edge_litert.schema_py_generated`, field
by field.

A table is a line `Name field:type ...` in slot order; `_` is a deprecated slot. A type is a
scalar, an enumeration (named after the schema), `string`, a table, a union (preceded by its type
field) or a vector `[type]`.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

# Bytes of a scalar.
SCALARS: dict[str, int] = {
    "bool": 1,
    "i8": 1,
    "u8": 1,
    "i16": 2,
    "u16": 2,
    "i32": 4,
    "u32": 4,
    "f32": 4,
    "i64": 8,
    "u64": 8,
}

# The scalar that holds an enumeration.
ENUMS: dict[str, str] = {
    "ActivationFunctionType": "i8",
    "BuiltinOperator": "i32",
    "CombinerType": "i8",
    "CustomOptionsFormat": "i8",
    "DimensionType": "i8",
    "FullyConnectedOptionsWeightsFormat": "i8",
    "LSHProjectionType": "i8",
    "LSTMKernelType": "i8",
    "MirrorPadMode": "i8",
    "Padding": "i8",
    "ReduceWindowFunction": "i32",
    "RngAlgorithm": "i8",
    "TensorType": "i8",
}


def _options(names: str) -> tuple[str, ...]:
    return tuple(f"{name}Options" for name in names.split())


# Members of a union in the order of their type codes; code 0 is "no value".
UNIONS: dict[str, tuple[str, ...]] = {
    "QuantizationDetails": (
        "CustomQuantization",
        "BlockwiseQuantization",
        "MultiAxisQuantization",
    ),
    "SparseIndexVector": (
        "Int32Vector",
        "Uint16Vector",
        "Uint8Vector",
    ),
    "BuiltinOptions": _options(
        """
        Conv2D DepthwiseConv2D ConcatEmbeddings LSHProjection Pool2D SVDF RNN
        FullyConnected Softmax Concatenation Add L2Norm LocalResponseNormalization LSTM
        ResizeBilinear Call Reshape SkipGram SpaceToDepth EmbeddingLookupSparse Mul Pad
        Gather BatchToSpaceND SpaceToBatchND Transpose Reducer Sub Div Squeeze SequenceRNN
        StridedSlice Exp TopKV2 Split LogSoftmax Cast Dequantize MaximumMinimum ArgMax
        Less Neg PadV2 Greater GreaterEqual LessEqual Select Slice TransposeConv
        SparseToDense Tile ExpandDims Equal NotEqual Shape Pow ArgMin FakeQuant Pack
        LogicalOr OneHot LogicalAnd LogicalNot Unpack FloorDiv Square ZerosLike Fill
        BidirectionalSequenceLSTM BidirectionalSequenceRNN UnidirectionalSequenceLSTM
        FloorMod Range ResizeNearestNeighbor LeakyRelu SquaredDifference MirrorPad Abs
        SplitV Unique ReverseV2 AddN GatherNd Cos Where Rank ReverseSequence MatrixDiag
        Quantize MatrixSetDiag HardSwish If While DepthToSpace NonMaxSuppressionV4
        NonMaxSuppressionV5 ScatterNd SelectV2 Densify SegmentSum BatchMatMul Cumsum
        CallOnce BroadcastTo Rfft2d Conv3D Hashtable HashtableFind HashtableImport
        HashtableSize VarHandle ReadVariable AssignVariable Random Bucketize Gelu
        DynamicUpdateSlice UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin
        UnsortedSegmentSum ATan2 Sign Bitcast BitwiseXor RightShift
        """
    ),
    "BuiltinOptions2": _options(
        """
        StablehloConcatenate StablehloBroadcastInDim StablehloSlice StablehloConvolution
        StablehloCustomCall StablehloReduce StablehloScatter StablehloCompare
        StablehloDynamicSlice StablehloPad StablehloIota StablehloDotGeneral
        StablehloReduceWindow StablehloSort StablehloWhile StablehloGather
        StablehloTranspose Dilate StablehloRngBitGenerator ReduceWindow StableHLOComposite
        StablehloShiftLeft StablehloCase
        """
    ),
}

_TABLES = """
Model version:u32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string
  buffers:[Buffer] metadata_buffer:[i32] metadata:[Metadata] signature_defs:[SignatureDef]
  external_buffer_groups:[ExternalBufferGroup] external_buffers:[ExternalBuffer]
OperatorCode deprecated_builtin_code:i8 custom_code:string version:i32
  builtin_code:BuiltinOperator
SubGraph tensors:[Tensor] inputs:[i32] outputs:[i32] operators:[Operator] name:string
  debug_metadata_index:i32
Tensor shape:[i32] type:TensorType buffer:u32 name:string quantization:QuantizationParameters
  is_variable:bool sparsity:SparsityParameters shape_signature:[i32] has_rank:bool
  variant_tensors:[VariantSubType] external_buffer:u32
QuantizationParameters min:[f32] max:[f32] scale:[f32] zero_point:[i64] details_type:u8
  details:QuantizationDetails quantized_dimension:i32
Operator opcode_index:u32 inputs:[i32] outputs:[i32] builtin_options_type:u8
  builtin_options:BuiltinOptions custom_options:[u8] custom_options_format:CustomOptionsFormat
  mutating_variable_inputs:[bool] intermediates:[i32] large_custom_options_offset:u64
  large_custom_options_size:u64 builtin_options2_type:u8 builtin_options2:BuiltinOptions2
  debug_metadata_index:i32
Buffer data:[u8] offset:u64 size:u64
BlockwiseQuantization scales:i32 zero_points:i32 block_size:i32 block_shape:[i32]
CustomQuantization custom:[u8]
DimensionMetadata format:DimensionType dense_size:i32 array_segments_type:u8
  array_segments:SparseIndexVector array_indices_type:u8 array_indices:SparseIndexVector
ExternalBuffer id:u32 group:u32 offset:u64 length:u64 packing:string
ExternalBufferGroup name:string
Int32Vector values:[i32]
Metadata name:string buffer:u32
MultiAxisQuantization scales:i32 zero_points:i32 block_size:i32 quantized_dimensions:[i32]
SignatureDef inputs:[TensorMap] outputs:[TensorMap] signature_key:string _ subgraph_index:u32
SparsityParameters traversal_order:[i32] block_map:[i32] dim_metadata:[DimensionMetadata]
TensorMap name:string tensor_index:u32
Uint16Vector values:[u16]
Uint8Vector values:[u8]
VariantSubType shape:[i32] type:TensorType has_rank:bool

AddOptions fused_activation_function:ActivationFunctionType pot_scale_int16:bool
ArgMaxOptions output_type:TensorType
ArgMinOptions output_type:TensorType
BatchMatMulOptions adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool
BidirectionalSequenceLSTMOptions fused_activation_function:ActivationFunctionType cell_clip:f32
  proj_clip:f32 merge_outputs:bool time_major:bool asymmetric_quantize_inputs:bool
BidirectionalSequenceRNNOptions time_major:bool fused_activation_function:ActivationFunctionType
  merge_outputs:bool asymmetric_quantize_inputs:bool
BucketizeOptions boundaries:[f32]
CallOnceOptions init_subgraph_index:i32
CallOptions subgraph:u32
CastOptions in_data_type:TensorType out_data_type:TensorType
ConcatEmbeddingsOptions num_channels:i32 num_columns_per_channel:[i32]
  embedding_dim_per_channel:[i32]
ConcatenationOptions axis:i32 fused_activation_function:ActivationFunctionType
Conv2DOptions padding:Padding stride_w:i32 stride_h:i32
  fused_activation_function:ActivationFunctionType dilation_w_factor:i32 dilation_h_factor:i32
  quantized_bias_type:TensorType
Conv3DOptions padding:Padding stride_d:i32 stride_w:i32 stride_h:i32
  fused_activation_function:ActivationFunctionType dilation_d_factor:i32 dilation_w_factor:i32
  dilation_h_factor:i32
CumsumOptions exclusive:bool reverse:bool
DepthToSpaceOptions block_size:i32
DepthwiseConv2DOptions padding:Padding stride_w:i32 stride_h:i32 depth_multiplier:i32
  fused_activation_function:ActivationFunctionType dilation_w_factor:i32 dilation_h_factor:i32
DivOptions fused_activation_function:ActivationFunctionType
EmbeddingLookupSparseOptions combiner:CombinerType
FakeQuantOptions min:f32 max:f32 num_bits:i32 narrow_range:bool
FullyConnectedOptions fused_activation_function:ActivationFunctionType
  weights_format:FullyConnectedOptionsWeightsFormat keep_num_dims:bool
  asymmetric_quantize_inputs:bool quantized_bias_type:TensorType quant_spec:[u8]
GatherOptions axis:i32 batch_dims:i32
GeluOptions approximate:bool
HashtableOptions table_id:i32 key_dtype:TensorType value_dtype:TensorType
IfOptions then_subgraph_index:i32 else_subgraph_index:i32
L2NormOptions fused_activation_function:ActivationFunctionType
LSHProjectionOptions type:LSHProjectionType
LSTMOptions fused_activation_function:ActivationFunctionType cell_clip:f32 proj_clip:f32
  kernel_type:LSTMKernelType asymmetric_quantize_inputs:bool
LeakyReluOptions alpha:f32
LocalResponseNormalizationOptions radius:i32 bias:f32 alpha:f32 beta:f32
MirrorPadOptions mode:MirrorPadMode
MulOptions fused_activation_function:ActivationFunctionType
OneHotOptions axis:i32
PackOptions values_count:i32 axis:i32
Pool2DOptions padding:Padding stride_w:i32 stride_h:i32 filter_width:i32 filter_height:i32
  fused_activation_function:ActivationFunctionType
RNNOptions fused_activation_function:ActivationFunctionType asymmetric_quantize_inputs:bool
RandomOptions seed:i64 seed2:i64
ReduceWindowOptions reduce_function:ReduceWindowFunction
ReducerOptions keep_dims:bool
ReshapeOptions new_shape:[i32]
ResizeBilinearOptions _ _ align_corners:bool half_pixel_centers:bool
ResizeNearestNeighborOptions align_corners:bool half_pixel_centers:bool
ReverseSequenceOptions seq_dim:i32 batch_dim:i32
SVDFOptions rank:i32 fused_activation_function:ActivationFunctionType
  asymmetric_quantize_inputs:bool
SequenceRNNOptions time_major:bool fused_activation_function:ActivationFunctionType
  asymmetric_quantize_inputs:bool
ShapeOptions out_type:TensorType
SkipGramOptions ngram_size:i32 max_skip_size:i32 include_all_ngrams:bool
SoftmaxOptions beta:f32
SpaceToDepthOptions block_size:i32
SparseToDenseOptions validate_indices:bool
SplitOptions num_splits:i32
SplitVOptions num_splits:i32
SqueezeOptions squeeze_dims:[i32]
StableHLOCompositeOptions name:string decomposition_subgraph_index:i32 composite_attributes:[u8]
  composite_attributes_format:CustomOptionsFormat version:i32
StablehloBroadcastInDimOptions broadcast_dimensions:[i64]
StablehloCaseOptions branch_subgraph_indices:[i32]
StablehloCompareOptions comparison_direction:u32 compare_type:u32
StablehloConcatenateOptions dimension:i64
StablehloConvolutionOptions window_strides:[i64] padding:[i64] lhs_dilation:[i64]
  rhs_dilation:[i64] window_reversal:[bool] input_batch_dimension:i64
  input_feature_dimension:i64 input_spatial_dimensions:[i64] kernel_input_feature_dimension:i64
  kernel_output_feature_dimension:i64 kernel_spatial_dimensions:[i64] output_batch_dimension:i64
  output_feature_dimension:i64 output_spatial_dimensions:[i64] feature_group_count:i64
  batch_group_count:i64 precision_config:[u32]
StablehloCustomCallOptions call_target_name:string has_side_effect:bool backend_config:string
  api_version:i32 called_computations:[i32] custom_attributes:[u8]
StablehloDotGeneralOptions lhs_batching_dimensions:[i64] rhs_batching_dimensions:[i64]
  lhs_contracting_dimensions:[i64] rhs_contracting_dimensions:[i64] precision_config:[u32]
StablehloDynamicSliceOptions slice_sizes:[i64]
StablehloGatherOptions offset_dims:[i64] collapsed_slice_dims:[i64] start_index_map:[i64]
  index_vector_dim:i64 slice_sizes:[i64] indices_are_sorted:bool
StablehloIotaOptions iota_dimension:i64
StablehloPadOptions edge_padding_low:[i64] edge_padding_high:[i64] interior_padding:[i64]
StablehloReduceOptions dimensions:[i64] body_subgraph_index:i32
StablehloReduceWindowOptions window_dimensions:[i64] window_strides:[i64] base_dilations:[i64]
  window_dilations:[i64] padding:[i64] body_subgraph_index:i32
StablehloRngBitGeneratorOptions algorithm:RngAlgorithm
StablehloScatterOptions indices_are_sorted:bool update_window_dims:[i64]
  inserted_window_dims:[i64] scatter_dims_to_operand_dims:[i64] index_vector_dim:i64
  unique_indices:bool update_computation_subgraph_index:i32
StablehloSliceOptions start_indices:[i64] limit_indices:[i64] strides:[i64]
StablehloSortOptions dimension:i64 is_stable:bool comparator_subgraph_index:i32
StablehloTransposeOptions permutation:[i64]
StablehloWhileOptions cond_subgraph_index:i32 body_subgraph_index:i32
StridedSliceOptions begin_mask:i32 end_mask:i32 ellipsis_mask:i32 new_axis_mask:i32
  shrink_axis_mask:i32 offset:bool
SubOptions fused_activation_function:ActivationFunctionType pot_scale_int16:bool
TransposeConvOptions padding:Padding stride_w:i32 stride_h:i32
  fused_activation_function:ActivationFunctionType quantized_bias_type:TensorType
UnidirectionalSequenceLSTMOptions fused_activation_function:ActivationFunctionType cell_clip:f32
  proj_clip:f32 time_major:bool asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool
UniqueOptions idx_out_type:TensorType
UnpackOptions num:i32 axis:i32
VarHandleOptions container:string shared_name:string
WhileOptions cond_subgraph_index:i32 body_subgraph_index:i32
"""

# Options tables without any field.
_EMPTY_TABLES = _options(
    """
    ATan2 Abs AddN AssignVariable BatchToSpaceND Bitcast BitwiseXor BroadcastTo Cos Densify
    Dequantize Dilate DynamicUpdateSlice Equal Exp ExpandDims Fill FloorDiv FloorMod
    GatherNd GreaterEqual Greater HardSwish HashtableFind HashtableImport HashtableSize
    LessEqual Less LogSoftmax LogicalAnd LogicalNot LogicalOr MatrixDiag MatrixSetDiag
    MaximumMinimum Neg NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual Pad PadV2 Pow
    Quantize Range Rank ReadVariable ReverseV2 Rfft2d RightShift ScatterNd SegmentSum Select
    SelectV2 Sign Slice SpaceToBatchND Square SquaredDifference StablehloShiftLeft Tile
    TopKV2 Transpose UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum Where ZerosLike
    """
)


class Field(NamedTuple):
    """A field of a table: its name, its element type, and whether it is a vector of those."""

    slot: int
    name: str
    type: str
    is_vector: bool


@cache
def tables() -> dict[str, tuple[Field, ...]]:
    """Return every table of the schema with its fields in slot order, deprecated ones left out."""
    layout: dict[str, tuple[Field, ...]] = dict.fromkeys(_EMPTY_TABLES, ())
    for line in _TABLES.replace("\n ", " ").split("\n"):
        if line:
            name, *fields = line.split()
            layout[name] = tuple(_field(s, f) for s, f in enumerate(fields) if f != "_")
    return layout


def _field(slot: int, text: str) -> Field:
    name, kind = text.split(":")
    return Field(slot, name, kind.strip("[]"), kind.startswith("["))


def camel(name: str) -> str:
    """Return the attribute of the generated object API for a schema field: stride_w -> strideW."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
