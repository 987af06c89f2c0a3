#pragma once

#include <cstdint>
#include <vector>

#include "model/fused/layer.h"

namespace hpml::model {

/// What a forward pass is asked for.
struct EncoderRequest {
    RowDropout dropout;
    Checkpointing checkpointing = Checkpointing::Off;
    bool backward = false;  ///< whether a backward pass will follow
};

/// Embeddings and all layers over one batch, forward and backward, on fp32 numbers in host memory.
/// Sequences have no padding; the last layer gives the chosen rows only.
class EncoderPass {
  public:
    EncoderPass(const ModelConfig& config, Machine machine, BatchRows batch, RowChoice chosen,
                const EncoderRequest& request);
    EncoderPass(const EncoderPass&) = delete;
    EncoderPass& operator=(const EncoderPass&) = delete;
    EncoderPass(EncoderPass&&) = delete;
    EncoderPass& operator=(EncoderPass&&) = delete;
    ~EncoderPass() = default;

    [[nodiscard]] std::int64_t count() const { return chosen_.count(); }
    /// @param output  [chosen rows, hidden]
    void forward(const Leaves& leaves, float* output);
    /// Add to the gradients of all leaves of the encoder, last layer first. Once.
    /// @param gradient  of the output
    void backward(const Leaves& leaves, const float* gradient);

  private:
    [[nodiscard]] bool is_post() const { return config_.norm == EncoderNorm::Post; }
    /// Of the position table.
    [[nodiscard]] std::int64_t position_row(std::int64_t row) const {
        return config_.first_position + batch_.position(static_cast<std::int32_t>(row));
    }
    [[nodiscard]] const RowChoice& rows_of_layer(std::int64_t layer) const {
        return layer == config_.layers - 1 ? chosen_ : all_;
    }
    void embed(const Leaves& leaves, float* rows);
    void embed_backward(const Leaves& leaves, Buffer gradient);
    /// The input of a layer, for its backward pass.
    [[nodiscard]] Buffer input_of(const Leaves& leaves, std::int64_t layer);
    /// Let go what the checkpointing does not keep.
    void forget(LayerKept& kept) const;

    ModelConfig config_;
    LeafMap map_;
    Machine machine_;
    BatchRows batch_;
    RowDropout dropout_;
    RowChoice all_;
    RowChoice chosen_;
    EncoderRequest request_;
    PassContext pass_;
    std::vector<LayerKept> kept_;
    Buffer embedded_;  ///< [rows, hidden] input of the first layer (post, not full)
    Buffer outer_norm_;
    Buffer outer_deviation_;
};

}  // namespace hpml::model
