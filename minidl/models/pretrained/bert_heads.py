"""What BERT is used for: filling in masked words, labelling sentences, finding answers (Devlin et al. 2018)."""

from typing import Any

from minidl import Tensor, nn

from .bert import BertConfig, BertModel, BertPreTrainedModel
from .losses import label_loss, language_loss, span_loss
from .model import activation, tuple_if_asked
from .outputs import MaskedLMOutput, QuestionAnsweringModelOutput, SequenceClassifierOutput


class BertTransform(nn.Module):
    """y = LayerNorm(gelu(W x + b))"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = activation(config.hidden_act)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.LayerNorm(self.activation(self.dense(x)))


class BertPredictions(nn.Module):
    """logits = E LayerNorm(gelu(W x + b)) + c        E (V, D): the word embeddings, once more"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.transform = BertTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = self.decoder.bias  # the name it has in files

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.transform(x))


class BertMaskedHead(nn.Module):
    """Holds the predictions, because files call them cls.predictions."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.predictions = BertPredictions(config)

    def forward(self, x: Tensor) -> Tensor:
        return self.predictions(x)


class BertForMaskedLM(BertPreTrainedModel):
    """Which word was here? Scores over the vocabulary for every position; this is how BERT is pre-trained.

    labels (B, T): the right tokens, −100 where the loss should not look (all that was not masked)."""

    tied = {
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.cls = BertMaskedHead(config)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **wanted: bool | None,
    ) -> Any:
        out = self.bert(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, return_dict=True, **wanted
        )
        logits = self.cls(out.last_hidden_state)
        loss = None if labels is None else language_loss(logits, labels)
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions)


class BertForSequenceClassification(BertPreTrainedModel):
    """Which label has the sentence, or the pair of sentences? A linear layer on the pooled output.

        model.train()
        model(**tokenizer(sentences, padding=True, return_tensors="pt"), labels=y).loss.backward()

    labels (B,): classes, config.num_labels of them; with num_labels=1 numbers (regression); (B, num_labels) of floats
    for labels that do not exclude each other."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        p = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if p is None else p)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        **wanted: bool | None,
    ) -> Any:
        out = self.bert(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, return_dict=True, **wanted
        )
        logits = self.classifier(self.dropout(out.pooler_output))
        loss = None if labels is None else label_loss(logits, labels, self.config)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )


class BertForQuestionAnswering(BertPreTrainedModel):
    """Where in the text does the answer begin and end? Two scores for every position.

    start_positions, end_positions (B,): the answer's first and last token; T and beyond count as no answer here."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **wanted: bool | None,
    ) -> Any:
        out = self.bert(
            input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, return_dict=True, **wanted
        )
        start, end = self.qa_outputs(out.last_hidden_state).unbind(-1)  # (B, T) each
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = span_loss(start, end, start_positions, end_positions)
        return QuestionAnsweringModelOutput(
            loss=loss, start_logits=start, end_logits=end, hidden_states=out.hidden_states, attentions=out.attentions
        )
